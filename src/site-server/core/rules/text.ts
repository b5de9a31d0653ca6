import { CAPTURE_NAME, CAPTURE_RAW, TEXT_CAPTURE, TEXT_LITERAL } from "./format";
import { captureAt, captureLength } from "./pattern";

/** What every `put…` returns, in place of where its text ends, if there is not room enough. */
const FULL: u32 = u32.MAX_VALUE;

/**
 * Writes a text of a rule: literals as they are, captures as each token says, the request's query.
 *
 * @param end where the room ends
 * @returns where the text ends, or u32.MAX_VALUE if there is not room enough
 */
export function putText(text: u32, textLength: u32, query: u32, queryLength: u32, to: u32, end: u32): u32 {
  const stop = text + textLength;
  while (text < stop && to !== FULL) {
    const kind = load<u8>(text);
    if (kind === TEXT_LITERAL) {
      const bytes = <u32>load<u16>(text, 1);
      to = putBytes(text + 3, bytes, to, end);
      text += 3 + bytes;
    } else if (kind === TEXT_CAPTURE) {
      const capture = <u32>load<u8>(text, 1);
      to = putCapture(captureAt(capture), captureLength(capture), load<u8>(text, 2), to, end);
      text += 3;
    } else {
      if (queryLength > 0) to = putQuery(query, queryLength, to, end);
      text += 1;
    }
  }
  return to;
}

function putBytes(at: u32, length: u32, to: u32, end: u32): u32 {
  if (length > end - to) return FULL;
  memory.copy(to, at, length);
  return to + length;
}

function putCapture(at: u32, length: u32, how: u8, to: u32, end: u32): u32 {
  if (how === CAPTURE_RAW) return putBytes(at, length, to, end);
  for (let i: u32 = 0; i < length && to !== FULL; i++) {
    const byte = load<u8>(at + i);
    to = putEncoded(byte, isPlain(byte) || (how !== CAPTURE_NAME && isPlainInPath(byte)), to, end);
  }
  return to;
}

/** As it came; what cannot stand in a field's value is encoded, should a host let it through. */
function putQuery(at: u32, length: u32, to: u32, end: u32): u32 {
  to = putEncoded(0x3f, true, to, end);
  for (let i: u32 = 0; i < length && to !== FULL; i++) {
    const byte = load<u8>(at + i);
    to = putEncoded(byte, byte > 0x20 && byte < 0x7f, to, end);
  }
  return to;
}

function putEncoded(byte: u8, plain: bool, to: u32, end: u32): u32 {
  const bytes: u32 = plain ? 1 : 3;
  if (end - to < bytes) return FULL;
  if (plain) {
    store<u8>(to, byte);
    return to + 1;
  }
  store<u8>(to, 0x25);
  store<u8>(to, hexDigit(byte >> 4), 1);
  store<u8>(to, hexDigit(byte & 15), 2);
  return to + 3;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

/** `unreserved` of RFC 3986, section 2.3: letters, digits, `-._~`. */
function isPlain(byte: u8): bool {
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return byte === 0x2d || byte === 0x2e || byte === 0x5f || byte === 0x7e;
}

/** What else may stand in a path: slashes, and `sub-delims`, `:` and `@` (RFC 3986, section 3.3). */
function isPlainInPath(byte: u8): bool {
  if (byte === 0x21 || byte === 0x24 || (byte >= 0x26 && byte <= 0x2c)) return true;
  return byte === 0x2f || byte === 0x3a || byte === 0x3b || byte === 0x3d || byte === 0x40;
}
