import { CAPTURES_MOST, PATTERN_NAME, PATTERN_OPEN, PATTERN_SPLAT, PATTERN_TAIL } from "../rules/format";
import { hexValue } from "../rules/query";
import { COLON, HASH, isDigit, isLetter, isSame, isString, PERCENT, QUESTION, SLASH, STAR, UNDERSCORE } from "./ascii";
import { lineNumber } from "./lines";
import { problem } from "./problems";
import { dropLiteral, out, put16, put8, putLiteral } from "./rule-writer";

/** Stands for no capture. */
export const NO_CAPTURE: u32 = 255;

/** CAPTURES_MOST x (u32 address of the name, u32 length); of a splat the length is 0 */
const names = memory.data(128);
let captureCount: u32 = 0;
/** The number of the captures that the path makes: those of the query follow. */
export let pathCaptures: u32 = 0;
/** What `:splat` stands for. */
let splat: u32 = NO_CAPTURE;

/**
 * Compiles a path with `*` and `:placeholders`, where the rules are written.
 *
 * @param path behind its leading slash
 * @param severalSplats whether more than one `*` is allowed; none of them is `:splat` then
 * @returns whether it is one; if not, a problem has been told
 */
export function compilePattern(path: u32, end: u32, severalSplats: bool): bool {
  captureCount = 0;
  splat = NO_CAPTURE;
  const flags = out;
  put8(0);
  if (end > path && load<u8>(end - 1) === SLASH) end--;
  let splats: u32 = 0;
  let at = path;
  while (at < end) {
    const byte = load<u8>(at);
    const begins = at === path || load<u8>(at - 1) === SLASH;
    if (byte === STAR) {
      const inFolder = begins && at !== path;
      while (at < end && load<u8>(at) === STAR) at++;
      splats++;
      if (splats > 1 && !severalSplats) return fail("more than one * in a path", path - 1, end);
      if (!putSplat(inFolder && at === end, splats)) return false;
      if (at === end) store<u8>(flags, PATTERN_OPEN);
    } else if (byte === COLON && begins && end - at > 1 && isLetter(load<u8>(at + 1))) {
      at = putPlaceholder(at + 1, end);
      if (at === 0) return false;
    } else {
      at = putPathByte(at, end);
      if (at === 0) return false;
    }
  }
  pathCaptures = captureCount;
  return true;
}

/** @param tail the splat is the last name of the pattern, and not the first: the slash before it, a literal, belongs to it */
function putSplat(tail: bool, splats: u32): bool {
  const capture = addCapture(0, 0);
  if (capture === NO_CAPTURE) return false;
  splat = splats === 1 ? capture : NO_CAPTURE;
  if (tail) dropLiteral();
  put8(tail ? PATTERN_TAIL : PATTERN_SPLAT);
  put8(<u8>capture);
  return true;
}

/** @param name behind the colon. Returns where the pattern goes on, 0 if it is wrong */
function putPlaceholder(name: u32, end: u32): u32 {
  let at = identifierEnd(name, end);
  if (isString(name, at - name, "splat")) return failAt("a placeholder :splat, which * is called", name, at);
  if (findCapture(name, at - name) !== NO_CAPTURE) return failAt("a placeholder that comes twice", name, at);
  const capture = addCapture(name, at - name);
  if (capture === NO_CAPTURE) return 0;
  put8(PATTERN_NAME);
  put8(<u8>capture);
  const length = out;
  put16(0);
  while (at < end && load<u8>(at) !== SLASH) {
    if (load<u8>(at) === STAR) return failAt("a * in one name with a placeholder", name, end);
    const byte = decodedByte(at, end);
    if (byte === 0) return 0;
    put8(byte);
    at += load<u8>(at) === PERCENT ? 3 : 1;
  }
  store<u16>(length, <u16>(out - length - 2));
  return at;
}

function putPathByte(at: u32, end: u32): u32 {
  const byte = decodedByte(at, end);
  if (byte === 0) return 0;
  putLiteral(byte);
  return at + (load<u8>(at) === PERCENT ? 3 : 1);
}

/** The byte that stands at a place of a path, decoded; 0 if it is wrong. */
function decodedByte(at: u32, end: u32): u8 {
  const byte = load<u8>(at);
  if (byte === QUESTION || byte === HASH) {
    problem(
      lineNumber,
      "a query or fragment in a path; query parameters follow it, as in `/store id=:id /blog/:id`",
      at,
      end - at,
    );
    return 0;
  }
  if (byte !== PERCENT) return byte;
  const value = escapedByte(at, end);
  if (value === 0) problem(lineNumber, "a % that begins no escape; write %25", at, min(end - at, 3));
  return value;
}

/** The byte that an escape (`%41`) stands for; 0 if it is none, or one for NUL. */
export function escapedByte(at: u32, end: u32): u8 {
  if (end - at < 3) return 0;
  const high = hexValue(load<u8>(at, 1));
  const low = hexValue(load<u8>(at, 2));
  return high > 15 || low > 15 ? 0 : (high << 4) | low;
}

/** Where a name of letters, digits and underscores ends. */
export function identifierEnd(at: u32, end: u32): u32 {
  while (at < end && (isLetter(load<u8>(at)) || isDigit(load<u8>(at)) || load<u8>(at) === UNDERSCORE)) at++;
  return at;
}

/** Gives a placeholder the next number; NO_CAPTURE, told as a problem, if there are too many. */
export function addCapture(name: u32, length: u32): u32 {
  if (captureCount === CAPTURES_MOST) {
    problem(lineNumber, "more than 16 placeholders", name, length);
    return NO_CAPTURE;
  }
  store<u32>(names + captureCount * 8, name);
  store<u32>(names + captureCount * 8, length, 4);
  return captureCount++;
}

/** The number of a placeholder, or NO_CAPTURE. */
export function findCapture(name: u32, length: u32): u32 {
  if (isString(name, length, "splat")) return splat;
  for (let i: u32 = 0; i < captureCount; i++) {
    if (length > 0 && isSame(load<u32>(names + i * 8), load<u32>(names + i * 8, 4), name, length)) return i;
  }
  return NO_CAPTURE;
}

function fail(message: string, at: u32, end: u32): bool {
  problem(lineNumber, message, at, end - at);
  return false;
}

function failAt(message: string, at: u32, end: u32): u32 {
  problem(lineNumber, message, at, end - at);
  return 0;
}

/** Whether a pattern that was compiled captures nothing. */
export function isLiteralPattern(): bool {
  return captureCount === 0;
}
