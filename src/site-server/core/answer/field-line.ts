import { FIELD_CONNECTION, FIELD_HOST, FIELD_KNOWN_COUNT } from "../layout";
import { IN_TOKEN, isIn, isValueByte, skipBlanks, trimBlanks } from "./characters";
import { readConnection, readContentLength, readExpect, readTransferEncoding, readUpgrade } from "./framing";
import { isHost } from "./host-field";
import {
  FIELD_CONTENT_LENGTH,
  FIELD_EXPECT,
  FIELD_TRANSFER_ENCODING,
  FIELD_UNKNOWN,
  FIELD_UPGRADE,
  knownField,
} from "./known-fields";
import { INCOMPLETE, READ, refuse } from "./outcome";
import { addField, setKnown } from "./request-record";

const CRLF: u16 = 0x0a0d;

/** The address behind the line that has been read. */
export let fieldEnd: u32 = 0;

/** Reads `name ":" OWS value OWS CRLF` (RFC 9112, section 5) into the record; returns an outcome. */
export function readField(at: u32, end: u32): i32 {
  const colon = endOfName(at, end);
  if (colon === end) return INCOMPLETE;
  if (load<u8>(colon) !== 0x3a || colon === at) return refuse(400);
  const value = skipBlanks(colon + 1, end);
  const stop = endOfValue(value, end);
  if (stop + 2 > end || load<u16>(stop) !== CRLF) return endsBadly(stop, end);
  fieldEnd = stop + 2;
  const length = trimBlanks(value, stop) - value;
  if (!addField(at, colon - at, value, length)) return refuse(431);
  const field = knownField(at, colon - at);
  return field === FIELD_UNKNOWN ? READ : take(field, value, length);
}

const ONES: u64 = 0x0101010101010101;
const HIGH: u64 = 0x8080808080808080;

/** The first byte that is no part of a name, or `end`. */
function endOfName(at: u32, end: u32): u32 {
  let i = at;
  while (i + 8 <= end) {
    // Nearly all names are letters and hyphens. The lowest bit set is that of the first byte that is neither.
    const word = load<u64>(i);
    const small = word | (0x20 * ONES);
    const letters = (small + 0x1f * ONES) & ~(small + 0x05 * ONES);
    const hyphens = ~((word ^ (0x2d * ONES)) + 0x7f * ONES);
    const found = (~(letters | hyphens) | word) & HIGH;
    if (found !== 0) {
      i += <u32>(ctz(found) >> 3);
      break;
    }
    i += 8;
  }
  while (i < end && isIn(load<u8>(i), IN_TOKEN)) i++;
  return i;
}

/** The first byte that a value may not hold, or `end`: a control but the tab (RFC 9110, section 5.5). */
function endOfValue(at: u32, end: u32): u32 {
  let i = at;
  while (i + 8 <= end) {
    // The lowest bit set is that of the first byte below 0x20 or above 0x7e. Few of them but the CR are met.
    const word = load<u64>(i);
    const found = ((word - 0x20 * ONES) | (word + ONES) | word) & HIGH;
    if (found === 0) {
      i += 8;
    } else {
      i += <u32>(ctz(found) >> 3);
      if (!isValueByte(load<u8>(i))) return i;
      i++;
    }
  }
  while (i < end && isValueByte(load<u8>(i))) i++;
  return i;
}

/** What the end of a value that is not followed by CRLF comes to. */
function endsBadly(stop: u32, end: u32): i32 {
  if (stop === end) return INCOMPLETE;
  return load<u8>(stop) === 0x0d && stop + 1 === end ? INCOMPLETE : refuse(400);
}

/** Takes a field that means something here. */
function take(field: i32, at: u32, length: u32): i32 {
  if (field < FIELD_KNOWN_COUNT) {
    const first = setKnown(field, at, length);
    if (field === FIELD_HOST && !(first && isHost(at, length))) return refuse(400);
    if (field === FIELD_CONNECTION) readConnection(at, length);
    return READ;
  }
  if (field === FIELD_CONTENT_LENGTH) return readContentLength(at, length);
  if (field === FIELD_TRANSFER_ENCODING) return readTransferEncoding(at, length);
  if (field === FIELD_EXPECT) return readExpect(at, length);
  if (field === FIELD_UPGRADE) readUpgrade();
  return READ;
}
