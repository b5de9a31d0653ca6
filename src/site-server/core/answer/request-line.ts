import {
  METHOD_GET,
  METHOD_HEAD,
  REQUEST_AT_METHOD,
  REQUEST_AT_METHOD_LENGTH,
  REQUEST_AT_METHOD_NAME,
  REQUEST_AT_MINOR,
  TARGET_LIMIT,
} from "../layout";
import { REQUEST } from "./buffers";
import { IN_TOKEN, isIn } from "./characters";
import { INCOMPLETE, READ, refuse } from "./outcome";
import { setTargetForm } from "./target-form";

/** No method that is known has more bytes than this. */
const METHOD_MOST: u32 = 32;

/** "GET " and "HEAD", read backwards. */
const GET_SPACE: u32 = 0x20544547;
const HEAD_WORD: u32 = 0x44414548;
/** "HTTP/1.1" and "HTTP/1.0", read backwards. */
const VERSION_1_1: u64 = 0x312e312f50545448;
const VERSION_1_0: u64 = 0x302e312f50545448;
const CRLF: u16 = 0x0a0d;

/** The address behind what has been read. */
export let lineEnd: u32 = 0;

/** Reads `METHOD SP target SP HTTP/1.x CRLF` (RFC 9112, section 3); returns an outcome. */
export function readRequestLine(at: u32, end: u32): i32 {
  const target = readMethod(at, end);
  if (target <= 0) return target;
  const from = at + target;
  const length = readTarget(from, end);
  if (length <= 0) return length;
  const outcome = readVersion(from + length + 1, end);
  if (outcome !== READ) return outcome;
  return setTargetForm(from, length);
}

/** Returns how many bytes the method and the space behind it have, or an outcome. */
function readMethod(at: u32, end: u32): i32 {
  let i = at;
  if (end - at >= 4 && load<u32>(at) === GET_SPACE) {
    store<u8>(REQUEST + REQUEST_AT_METHOD, METHOD_GET);
    i = at + 3;
  } else {
    while (i < end && isIn(load<u8>(i), IN_TOKEN)) {
      if (++i - at > METHOD_MOST) return refuse(501);
    }
    if (i === end) return INCOMPLETE;
    if (load<u8>(i) !== 0x20 || i === at) return refuse(400);
    if (i - at === 4 && load<u32>(at) === HEAD_WORD) store<u8>(REQUEST + REQUEST_AT_METHOD, METHOD_HEAD);
  }
  store<u32>(REQUEST + REQUEST_AT_METHOD_NAME, at);
  store<u32>(REQUEST + REQUEST_AT_METHOD_LENGTH, i - at);
  return i + 1 - at;
}

const ONES: u64 = 0x0101010101010101;
const HIGH: u64 = 0x8080808080808080;

/** Returns how many bytes the target has, or an outcome. */
function readTarget(at: u32, end: u32): i32 {
  const most = at + TARGET_LIMIT + 1;
  const stop = min(end, most);
  let i = at;
  while (i + 8 <= stop) {
    // The lowest bit set is that of the first byte below 0x21 or above 0x7e.
    const word = load<u64>(i);
    const found = ((word - 0x21 * ONES) | (word + ONES) | word) & HIGH;
    if (found !== 0) {
      i += <u32>(ctz(found) >> 3);
      break;
    }
    i += 8;
  }
  while (i < stop && load<u8>(i) - 0x21 < 0x5e) i++;
  if (i === most) return refuse(414);
  if (i === end) return INCOMPLETE;
  return load<u8>(i) !== 0x20 || i === at ? refuse(400) : i - at;
}

function readVersion(at: u32, end: u32): i32 {
  lineEnd = at + 10;
  if (lineEnd <= end && load<u16>(at + 8) === CRLF) {
    const version = load<u64>(at);
    if (version === VERSION_1_1) {
      store<u8>(REQUEST + REQUEST_AT_MINOR, 1);
      return READ;
    }
    if (version === VERSION_1_0) return READ;
  }
  return readOtherVersion(at, end);
}

/** A version that is not there as a whole, not known, or none: what is certain of it is said at once. */
function readOtherVersion(at: u32, end: u32): i32 {
  for (let i: u32 = 0; i < 10; i++) {
    if (at + i >= end) return INCOMPLETE;
    const byte = load<u8>(at + i);
    if (i === 5 || i === 7) {
      if (byte - 0x30 > 9) return refuse(400);
      if (i === 5 && byte !== 0x31) return refuse(505);
      if (i === 7) store<u8>(REQUEST + REQUEST_AT_MINOR, byte - 0x30);
    } else {
      const wanted: u64 = i === 8 ? 0x0d : i === 9 ? 0x0a : (VERSION_1_1 >> (i * 8)) & 0xff;
      if (<u64>byte !== wanted) return refuse(400);
    }
  }
  return READ;
}
