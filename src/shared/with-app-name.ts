import { errorCodes, SteppeError } from "./errors.ts";

/** The same error, whose code's own hint names the app that it is about: `steppe status blog` in place of `steppe status APP`. Any other hint is as it was. */
export function withAppName(error: SteppeError, app: string): SteppeError {
  const { hint } = errorCodes[error.code];
  if (error.hint !== hint || !/\bAPP\b/.test(hint)) return error;
  const parts = { ...error.toJSON(), hint: hint.replaceAll(/\bAPP\b/g, app) };
  return new SteppeError(error.code, parts, { cause: error.cause, retryAfterMs: error.retryAfterMs });
}
