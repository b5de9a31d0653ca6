import { SteppeError } from "../shared/errors.ts";

/** What is wrong with the arguments of `steppe up`. */
export function upUsage(cause: string, hint = "See `steppe up --help`."): SteppeError {
  return new SteppeError("USAGE", { operation: "run", subject: "steppe up", cause, hint });
}
