import { CAPTURE_NAME, CAPTURE_PATH, CAPTURE_RAW, TEXT_CAPTURE, TEXT_QUERY } from "../rules/format";
import { COLON, EQUALS, HASH, isDigit, isLetter, PERCENT, QUESTION, SLASH, unitAt } from "./ascii";
import { placeholderEnd } from "./header-value";
import { lineNumber } from "./lines";
import { problem } from "./problems";
import { escapedByte, findCapture, pathCaptures } from "./rule-pattern";
import { put8, putLiteral } from "./rule-writer";

/** The target that was compiled captures nothing. */
export let isLiteralTarget: bool = true;

/**
 * Compiles where a redirect leads, for `Location`: a path, or a URL whose host has no placeholders in it (a visitor could choose the host else).
 *
 * @param keepsQuery whether the request's query goes along, if the target has none of its own
 * @returns whether it is one; if not, a problem has been told
 */
export function compileLocation(target: u32, end: u32, keepsQuery: bool): bool {
  let at = target;
  if (load<u8>(at) !== SLASH) {
    at = putAuthority(target, end);
    if (at === 0) return false;
  } else if (end - at > 1 && load<u8>(at, 1) === SLASH) {
    return fail("a target that begins with two slashes leads to another host; write https:// if it shall", target, end);
  }
  let inPath = true;
  let hasQuery = !keepsQuery;
  while (at < end) {
    const byte = load<u8>(at);
    const stop = placeholderEnd(at, end);
    if (stop !== 0) {
      const capture = findCapture(at + 1, stop - at - 1);
      put8(TEXT_CAPTURE);
      put8(<u8>capture);
      put8(inPath && capture < pathCaptures ? CAPTURE_PATH : CAPTURE_NAME);
      at = stop;
      continue;
    }
    if (isUnknownPlaceholder(at, target, end)) return fail("a placeholder that stands for nothing", at, end);
    if (byte === QUESTION) hasQuery = true;
    if (byte === HASH && !hasQuery) {
      put8(TEXT_QUERY);
      hasQuery = true;
    }
    if (byte === QUESTION || byte === HASH) inPath = false;
    putUrlByte(at, end);
    at++;
  }
  if (!hasQuery) put8(TEXT_QUERY);
  return true;
}

/** Writes scheme and host. Returns where the path begins, or 0. */
function putAuthority(target: u32, end: u32): u32 {
  let at = target;
  while (load<u8>(at) !== SLASH) at++;
  at += 2;
  const host = at;
  while (at < end && load<u8>(at) !== SLASH && load<u8>(at) !== QUESTION && load<u8>(at) !== HASH) {
    if (!isHostByte(load<u8>(at)) || placeholderEnd(at, end) !== 0) {
      fail("no host that a redirect may lead to", target, end);
      return 0;
    }
    at++;
  }
  if (at === host) {
    fail("a URL without a host", target, end);
    return 0;
  }
  for (let i = target; i < at; i++) putLiteral(load<u8>(i));
  return at;
}

/** Of a name, an address or a port. */
function isHostByte(byte: u8): bool {
  if (isLetter(byte) || isDigit(byte)) return true;
  return byte === 0x2d || byte === 0x2e || byte === COLON || byte === 0x5b || byte === 0x5d;
}

/** A colon and a letter where placeholders are: at the beginning of a name or value. */
function isUnknownPlaceholder(at: u32, target: u32, end: u32): bool {
  if (load<u8>(at) !== COLON || at === target || end - at < 2 || !isLetter(load<u8>(at + 1))) return false;
  return load<u8>(at - 1) === SLASH || load<u8>(at - 1) === EQUALS;
}

/** Writes a byte as it may stand in a URL: escapes stay, what has no place in one is escaped. */
function putUrlByte(at: u32, end: u32): void {
  const byte = load<u8>(at);
  if (byte === PERCENT ? escapedByte(at, end) !== 0 : isUrlByte(byte)) {
    putLiteral(byte);
    return;
  }
  putLiteral(PERCENT);
  putLiteral(unitAt("0123456789ABCDEF", byte >> 4));
  putLiteral(unitAt("0123456789ABCDEF", byte & 15));
}

function isUrlByte(byte: u8): bool {
  if (byte <= 0x20 || byte >= 0x7f) return false;
  if (byte === 0x22 || byte === 0x3c || byte === 0x3e || byte === 0x5c) return false; // " < > \
  return byte !== 0x5e && byte !== 0x60 && (byte < 0x7b || byte === 0x7e); // ^ ` { | }
}

/**
 * Compiles the path of the file that a rewrite serves, decoded. A query or fragment behind it is passed over: it would reach nobody.
 *
 * @param target from its slash
 */
export function compileServed(target: u32, end: u32): bool {
  isLiteralTarget = true;
  let at = target + 1;
  while (at < end && load<u8>(at) !== QUESTION && load<u8>(at) !== HASH) {
    const stop = placeholderEnd(at, end);
    if (stop !== 0) {
      put8(TEXT_CAPTURE);
      put8(<u8>findCapture(at + 1, stop - at - 1));
      put8(CAPTURE_RAW);
      isLiteralTarget = false;
      at = stop;
      continue;
    }
    if (isUnknownPlaceholder(at, target, end)) return fail("a placeholder that stands for nothing", at, end);
    if (load<u8>(at) !== PERCENT) {
      putLiteral(load<u8>(at));
      at++;
      continue;
    }
    const byte = escapedByte(at, end);
    if (byte === 0) return fail("a % that begins no escape; write %25", at, end);
    putLiteral(byte);
    at += 3;
  }
  return true;
}

/** The same for a rule without a target: its path, which ends in `*`, is served as it is. */
export function compileItself(path: u32, end: u32): bool {
  if (!compileServed(path, end - 1)) return false;
  put8(TEXT_CAPTURE);
  put8(<u8>(pathCaptures - 1));
  put8(CAPTURE_RAW);
  isLiteralTarget = false;
  return true;
}

function fail(message: string, at: u32, end: u32): bool {
  problem(lineNumber, message, at, end - at);
  return false;
}
