import { errno, SteppeError, toSteppeError } from "./errors.ts";

/** Why the system does not let a file be written where somebody wants it. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the folder that it is to lie in does not exist",
  ENOTDIR: "what it is to lie in is no folder",
  EISDIR: "it is a folder",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system there is read-only",
};

/** The error of a file or folder that a person named to be written: USAGE if it can not be there, else what `toSteppeError` says. */
export function unwritable(thrown: unknown, operation: string, subject: string): SteppeError {
  const cause = REASONS[errno(thrown) ?? ""];
  if (cause === undefined || thrown instanceof SteppeError) return toSteppeError(thrown, operation, subject);
  return new SteppeError("USAGE", { operation, subject, cause, hint: "Give another path." }, { cause: thrown });
}
