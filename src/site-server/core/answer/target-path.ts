import { REQUEST_AT_TARGET, REQUEST_AT_TARGET_LENGTH, TARGET_LIMIT } from "../layout";
import { PATH, REQUEST } from "./buffers";
import { IN_SEGMENT, IS_HEX, hexValue, isIn } from "./characters";

/** The path of the target: percent-decoded exactly once, as bytes, without its leading slash. Good until the next `readTargetPath`. */
export let pathAt: u32 = 0;
export let pathLength: u32 = 0;
/** FNV-1a of the path. */
export let pathHash: u32 = 0;
/** The query as it came, without its question mark; address 0 if there is none. */
export let queryAt: u32 = 0;
export let queryLength: u32 = 0;

export const HASH_START: u32 = 0x811c9dc5;
const HASH_PRIME: u32 = 0x01000193;

const SLASH: u8 = 0x2f;
const PERCENT: u8 = 0x25;

/** The hash of one byte more. */
export function hashOf(hash: u32, byte: u8): u32 {
  return (hash ^ byte) * HASH_PRIME;
}

/**
 * Reads the path and the query of the request's target. Refuses what is no path of a file under any reading: bad escapes, NUL, dot segments
 * (encoded or not; clients resolve them before they send), encoded slashes, which would make two names for one file, and bytes that a target may not
 * hold. A backslash is a character of a name like any other. What follows a `#`, which clients should not send, is left off.
 *
 * @returns 0, or the status that the request is refused with; the path is empty then
 */
export function readTargetPath(): u32 {
  queryAt = 0;
  queryLength = 0;
  const target = load<u32>(REQUEST + REQUEST_AT_TARGET);
  const length = load<u32>(REQUEST + REQUEST_AT_TARGET_LENGTH);
  const status =
    length > <u32>TARGET_LIMIT
      ? 414
      : length > 0 && load<u8>(target) === SLASH
        ? readPlain(target + 1, target + length)
        : 400;
  if (status !== 0) setPath(PATH, PATH, HASH_START);
  return status;
}

function setPath(at: u32, end: u32, hash: u32): void {
  pathAt = at;
  pathLength = end - at;
  pathHash = hash;
}

/** A path that is there as it is to be; the rest of one that has an escape is decoded into PATH. */
function readPlain(at: u32, end: u32): u32 {
  let hash = HASH_START;
  let segment = at;
  let i = at;
  while (i < end) {
    const byte = load<u8>(i);
    if (!isIn(byte, IN_SEGMENT)) {
      if (byte === PERCENT) return readEscaped(at, i, end, segment, hash);
      if (isDots(segment, i)) return 400;
      if (byte !== SLASH) {
        setPath(at, i, hash);
        return readQuery(i, end);
      }
      segment = i + 1;
    }
    hash = hashOf(hash, byte);
    i++;
  }
  setPath(at, end, hash);
  return isDots(segment, end) ? 400 : 0;
}

/** Goes on from the first escape, at `i`. */
function readEscaped(at: u32, i: u32, end: u32, segmentStart: u32, hashSoFar: u32): u32 {
  let hash = hashSoFar;
  memory.copy(PATH, at, i - at);
  let to = PATH + (i - at);
  let segment = PATH + (segmentStart - at);
  while (i < end) {
    let byte = load<u8>(i);
    if (byte === PERCENT) {
      if (end - i < 3 || !isIn(load<u8>(i + 1), IS_HEX) || !isIn(load<u8>(i + 2), IS_HEX)) return 400;
      byte = (hexValue(load<u8>(i + 1)) << 4) | hexValue(load<u8>(i + 2));
      if (byte === 0 || byte === SLASH) return 400;
      i += 2;
    } else if (!isIn(byte, IN_SEGMENT)) {
      if (isDots(segment, to)) return 400;
      if (byte !== SLASH) break;
      segment = to + 1;
    }
    store<u8>(to++, byte);
    hash = hashOf(hash, byte);
    i++;
  }
  if (isDots(segment, to)) return 400;
  setPath(PATH, to, hash);
  return i < end ? readQuery(i, end) : 0;
}

/** What ends the path: a query, a fragment, or a byte that has no place in a target. */
function readQuery(at: u32, end: u32): u32 {
  const mark = load<u8>(at);
  if (mark === 0x23) return 0;
  if (mark !== 0x3f) return 400;
  let i = at + 1;
  while (i < end && load<u8>(i) !== 0x23) {
    if (load<u8>(i) - 0x21 > 0x5d) return 400;
    i++;
  }
  queryAt = at + 1;
  queryLength = i - queryAt;
  return 0;
}

/** Whether a segment is `.` or `..`. */
function isDots(at: u32, end: u32): bool {
  const length = end - at;
  if (length - 1 > 1 || load<u8>(at) !== 0x2e) return false;
  return length === 1 || load<u8>(at + 1) === 0x2e;
}
