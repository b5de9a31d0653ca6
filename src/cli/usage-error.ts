import { SteppeError } from "../shared/errors.ts";

/**
 * What is wrong with how a command was called.
 *
 * @param subject the command: `steppe deploy`
 * @param hint what to do, if the command's help is not it
 */
export function usageError(subject: string, cause: string, hint = `See \`${subject} --help\`.`): SteppeError {
  return new SteppeError("USAGE", { operation: "run", subject, cause, hint });
}
