import {
  REQUEST_AT_CONTENT_LENGTH,
  REQUEST_AT_MINOR,
  REQUEST_CHUNKED,
  REQUEST_EXPECTS_CONTINUE,
  REQUEST_HAS_LENGTH,
  REQUEST_KEEP_ALIVE,
  REQUEST_UPGRADE,
} from "../layout";
import { REQUEST } from "./buffers";
import { equalsIgnoringCase } from "./bytes";
import { skipBlanks, trimBlanks } from "./characters";
import { READ, refuse } from "./outcome";
import { addFlags, hasFlag } from "./request-record";

/**
 * The fields that say where a request ends and what becomes of its connection (RFC 9112, section 6; RFC 9110, sections 7.6.1 and 10.1.1). What two readers
 * could take for two different lengths is refused.
 */

/** What the head said so far: bits of SAID_*. */
let said: u8 = 0;
const SAID_CLOSE: u8 = 1;
const SAID_KEEP_ALIVE: u8 = 2;
const SAID_UPGRADE: u8 = 4;
const HAS_UPGRADE: u8 = 8;
const SAID_CONTINUE: u8 = 16;

/** 2^53: beyond it not every number has an f64. */
const LENGTH_MOST: f64 = 9007199254740992;

export function startFraming(): void {
  said = 0;
}

/** `Content-Length`: digits alone, once, and not with a `Transfer-Encoding`. */
export function readContentLength(at: u32, length: u32): i32 {
  if (length === 0 || hasFlag(REQUEST_HAS_LENGTH | REQUEST_CHUNKED)) return refuse(400);
  let value: f64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = load<u8>(at + i) - 0x30;
    if (digit > 9) return refuse(400);
    value = value * 10 + <f64>digit;
  }
  if (value >= LENGTH_MOST) return refuse(413);
  store<f64>(REQUEST + REQUEST_AT_CONTENT_LENGTH, value);
  addFlags(REQUEST_HAS_LENGTH);
  return READ;
}

/** `Transfer-Encoding`: `chunked` alone, once, and neither in HTTP/1.0 nor with a `Content-Length`. */
export function readTransferEncoding(at: u32, length: u32): i32 {
  const minor = load<u8>(REQUEST + REQUEST_AT_MINOR);
  if (minor === 0 || hasFlag(REQUEST_HAS_LENGTH | REQUEST_CHUNKED)) return refuse(400);
  if (!equalsIgnoringCase(at, length, "chunked")) return refuse(501);
  addFlags(REQUEST_CHUNKED);
  return READ;
}

/** `Connection`: a list of options. */
export function readConnection(at: u32, length: u32): void {
  const end = at + length;
  let from = at;
  while (from < end) {
    let comma = from;
    while (comma < end && load<u8>(comma) !== 0x2c) comma++;
    const start = skipBlanks(from, comma);
    readOption(start, trimBlanks(start, comma) - start);
    from = comma + 1;
  }
}

function readOption(at: u32, length: u32): void {
  if (length === 10) {
    if (equalsIgnoringCase(at, length, "keep-alive")) said |= SAID_KEEP_ALIVE;
  } else if (equalsIgnoringCase(at, length, "close")) said |= SAID_CLOSE;
  else if (equalsIgnoringCase(at, length, "upgrade")) said |= SAID_UPGRADE;
}

export function readUpgrade(): void {
  said |= HAS_UPGRADE;
}

/** `Expect`: whatever is not `100-continue` cannot be met. HTTP/1.0 does not know the field. */
export function readExpect(at: u32, length: u32): i32 {
  if (load<u8>(REQUEST + REQUEST_AT_MINOR) === 0) return READ;
  if (!equalsIgnoringCase(at, length, "100-continue")) return refuse(417);
  said |= SAID_CONTINUE;
  return READ;
}

/** What follows from all fields together, once the head is whole. */
export function finishFraming(): void {
  const minor = load<u8>(REQUEST + REQUEST_AT_MINOR);
  const kept = minor > 0 || (said & SAID_KEEP_ALIVE) !== 0;
  if (kept && (said & SAID_CLOSE) === 0) addFlags(REQUEST_KEEP_ALIVE);
  if (minor > 0 && (said & (SAID_UPGRADE | HAS_UPGRADE)) === (SAID_UPGRADE | HAS_UPGRADE)) addFlags(REQUEST_UPGRADE);
  if ((said & SAID_CONTINUE) !== 0 && hasBody()) addFlags(REQUEST_EXPECTS_CONTINUE);
}

/** Whether a body follows the head. */
export function hasBody(): bool {
  return hasFlag(REQUEST_CHUNKED) || load<f64>(REQUEST + REQUEST_AT_CONTENT_LENGTH) > 0;
}
