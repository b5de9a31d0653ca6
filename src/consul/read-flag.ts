import type { ApiAnswer } from "../shared/http-api/api-answer.ts";
import { ShapeError } from "../shared/json/shape-error.ts";

/** An answer that is `true` or `false`, as that of a change that may be too late. Throws ShapeError. */
export function readFlag(answer: ApiAnswer): boolean {
  const value = answer.json();
  if (typeof value !== "boolean") throw new ShapeError("", "true or false", value);
  return value;
}
