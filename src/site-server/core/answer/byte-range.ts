import { equalsIgnoringCase } from "./bytes";
import { skipBlanks } from "./characters";

/** The part that a range names: from `rangeStart`, `rangeBytes` bytes. */
export let rangeStart: f64 = 0;
export let rangeBytes: f64 = 0;

export const RANGE_WHOLE: u32 = 0;
export const RANGE_PART: u32 = 1;
export const RANGE_UNSATISFIABLE: u32 = 2;

/** So many digits at most: all such numbers are exact. */
const MOST_DIGITS: u32 = 15;
const NONE: f64 = -1;
const BAD: f64 = -2;

/**
 * Reads the value of `Range` for a file of `size` bytes (RFC 9110, section 14).
 *
 * @returns RANGE_PART; RANGE_WHOLE when it asks for several ranges, for another unit, or cannot be read, all of which a server may ignore;
 *   RANGE_UNSATISFIABLE when the file has no such bytes
 */
export function readRange(at: u32, length: u32, size: f64): u32 {
  const end = at + length;
  if (length < 6 || !equalsIgnoringCase(at, 5, "bytes")) return RANGE_WHOLE;
  cursor = skipBlanks(at + 5, end);
  if (!skip(0x3d, end)) return RANGE_WHOLE;
  const first = readDigits(end);
  if (!skip(0x2d, end)) return RANGE_WHOLE;
  const last = readDigits(end);
  if (cursor !== end || first === BAD || last === BAD) return RANGE_WHOLE;
  if (first === NONE) return last === NONE ? RANGE_WHOLE : suffix(last, size);
  if (last !== NONE && last < first) return RANGE_WHOLE;
  if (first >= size) return RANGE_UNSATISFIABLE;
  rangeStart = first;
  rangeBytes = (last === NONE ? size - 1 : min(last, size - 1)) - first + 1;
  return RANGE_PART;
}

let cursor: u32 = 0;

/** Takes one byte and the blanks behind it, if it is there. */
function skip(byte: u8, end: u32): bool {
  if (cursor >= end || load<u8>(cursor) !== byte) return false;
  cursor = skipBlanks(cursor + 1, end);
  return true;
}

/** Takes digits and the blanks behind them. */
function readDigits(end: u32): f64 {
  const start = cursor;
  let value: f64 = 0;
  while (cursor < end && load<u8>(cursor) - 0x30 < 10) {
    value = value * 10 + <f64>(load<u8>(cursor) - 0x30);
    cursor++;
  }
  const digits = cursor - start;
  cursor = skipBlanks(cursor, end);
  return digits === 0 ? NONE : digits > MOST_DIGITS ? BAD : value;
}

function suffix(length: f64, size: f64): u32 {
  if (length === 0 || size === 0) return RANGE_UNSATISFIABLE;
  rangeBytes = min(length, size);
  rangeStart = size - rangeBytes;
  return RANGE_PART;
}
