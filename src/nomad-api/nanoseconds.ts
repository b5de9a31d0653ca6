import type { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";

declare const unit: unique symbol;

/**
 * A whole number of nanoseconds, as Nomad writes durations. Its own type, so that milliseconds, which are meant everywhere else, are never written in its place. A
 * bigint, or a number where it came as one: 2^53 nanoseconds are 104 days, which a duration can exceed.
 */
export type Nanoseconds = (number | bigint) & { readonly [unit]: "ns" };

/** @param ms milliseconds; what is less than a nanosecond is rounded */
export function nanoseconds(ms: number): Nanoseconds {
  const whole = Math.trunc(ms);
  return (BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000))) as Nanoseconds;
}

/** In milliseconds, with what is left as a fraction. */
export function milliseconds(duration: Nanoseconds): number {
  const all = BigInt(duration);
  return Number(all / 1_000_000n) + Number(all % 1_000_000n) / 1_000_000;
}

/** A duration of an answer; 0 if it is not there. Throws ShapeError. */
export function readNanoseconds(fields: Fields, name: string): Nanoseconds {
  const value = fields.raw(name) ?? 0;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value)))
    return value as Nanoseconds;
  throw new ShapeError(fields.at(name), "a whole number of nanoseconds", value);
}
