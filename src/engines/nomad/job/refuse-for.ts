import { SteppeError } from "../../../shared/errors.ts";
import type { Refuse } from "./merge-fragment.ts";

/** Says what of an app's `nomad` does not fit: CONFIG_INVALID. */
export function refuseFor(app: string, part: string): Refuse {
  return (path, problem) => {
    throw new SteppeError("CONFIG_INVALID", {
      operation: "make the job of",
      subject: app,
      cause: `${part}.${path} ${problem}`,
      hint: "Correct the app's `nomad`.",
    });
  };
}
