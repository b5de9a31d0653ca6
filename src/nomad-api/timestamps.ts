import type { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";

/** A moment that Nomad writes as nanoseconds since 1970, in milliseconds since then; undefined if there is none (0, null). Throws ShapeError. */
export function readTimestamp(fields: Fields, name: string): number | undefined {
  const time = fields.has(name) ? fields.index(name) : 0n;
  return time === 0n ? undefined : Number(time / 1_000_000n);
}

/** A moment that Nomad writes as a date, in milliseconds since 1970; undefined if there is none (null, or Go's first of January of the year 1). Throws ShapeError. */
export function readDate(fields: Fields, name: string): number | undefined {
  const text = fields.optionalText(name) ?? "";
  if (text === "" || text.startsWith("0001-01-01T")) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new ShapeError(fields.at(name), "a date", text);
  return time;
}
