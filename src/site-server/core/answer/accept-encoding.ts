import {
  FIELD_ACCEPT_ENCODING,
  FORM_AT_BYTES,
  FORM_BR,
  FORM_GZIP,
  FORM_IDENTITY,
  FORM_SIZE,
  FORM_ZSTD,
  REQUEST_AT_FIELD_COUNT,
  REQUEST_AT_FIELDS,
  REQUEST_FIELD_SIZE,
} from "../layout";
import { REQUEST } from "./buffers";
import { copy, equal, equalsIgnoringCase } from "./bytes";
import { skipBlanks, trimBlanks } from "./characters";
import { isField } from "./known-fields";
import { isRepeated, knownLength, knownValue } from "./request-record";

/** Qualities in ten-thousandths, for each form; -1 is "not named". */
let brQuality: i32 = -1;
let zstdQuality: i32 = -1;
let gzipQuality: i32 = -1;
let identityQuality: i32 = -1;
let otherQuality: i32 = -1;

/** `identity` that is not named is acceptable, but less than whatever is named. */
const BARELY: i32 = 1;
const FULL: i32 = 10000;

/** The value that the qualities are of: most clients send one of a few. */
const REMEMBERED_MOST: u32 = 64;
const remembered: u32 = <u32>memory.data(64, 8);
let rememberedLength: u32 = 0;

/**
 * Chooses the form to send (RFC 9110, section 12.5.3): the highest quality, and of equal ones the smallest. A client that refuses everything there
 * is gets the file as it is, which the RFC allows and which serves it best.
 *
 * @param forms which there are
 * @param records the address of the first form's record
 */
export function chooseForm(forms: u32, records: u32): u32 {
  if (forms === FORM_IDENTITY || !readQualities()) return FORM_IDENTITY;
  chosen = FORM_IDENTITY;
  chosenQuality = 0;
  chosenBytes = Infinity;
  const other = otherQuality;
  let at = records + FORM_SIZE;
  if ((forms & FORM_BR) !== 0) {
    consider(FORM_BR, brQuality === -1 ? other : brQuality, at);
    at += FORM_SIZE;
  }
  if ((forms & FORM_ZSTD) !== 0) {
    consider(FORM_ZSTD, zstdQuality === -1 ? other : zstdQuality, at);
    at += FORM_SIZE;
  }
  if ((forms & FORM_GZIP) !== 0) consider(FORM_GZIP, gzipQuality === -1 ? other : gzipQuality, at);
  consider(FORM_IDENTITY, identityQuality === -1 ? (other === 0 ? 0 : BARELY) : identityQuality, records);
  return chosen;
}

let chosen: u32 = 0;
let chosenQuality: i32 = 0;
let chosenBytes: f64 = 0;

function consider(form: u32, quality: i32, record: u32): void {
  if (quality <= 0 || quality < chosenQuality) return;
  const bytes = load<f64>(record + FORM_AT_BYTES);
  if (quality === chosenQuality && bytes >= chosenBytes) return;
  chosen = form;
  chosenQuality = quality;
  chosenBytes = bytes;
}

/** Reads the qualities; false if the request says nothing of them. */
function readQualities(): bool {
  const value = knownValue(FIELD_ACCEPT_ENCODING);
  if (value === 0) return false;
  if (isRepeated(FIELD_ACCEPT_ENCODING)) return readAllQualities();
  const length = knownLength(FIELD_ACCEPT_ENCODING);
  if (length === 0) return false;
  if (length === rememberedLength && equal(value, remembered, length)) return true;
  forgetQualities();
  readList(value, value + length);
  if (length <= REMEMBERED_MOST) {
    copy(remembered, value, length);
    rememberedLength = length;
  }
  return true;
}

/** Several fields are one list. */
function readAllQualities(): bool {
  forgetQualities();
  const count = <u32>load<u8>(REQUEST + REQUEST_AT_FIELD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const at = REQUEST + REQUEST_AT_FIELDS + i * REQUEST_FIELD_SIZE;
    if (isField(at, FIELD_ACCEPT_ENCODING)) {
      const value = load<u32>(at, 8);
      readList(value, value + load<u32>(at, 12));
    }
  }
  return true;
}

function forgetQualities(): void {
  rememberedLength = 0;
  brQuality = -1;
  zstdQuality = -1;
  gzipQuality = -1;
  identityQuality = -1;
  otherQuality = -1;
}

function readList(at: u32, end: u32): void {
  let from = at;
  while (from < end) {
    const comma = find(from, end, 0x2c);
    readMember(from, comma);
    from = comma + 1;
  }
}

/** Reads `name *( OWS ";" OWS parameter )`. */
function readMember(at: u32, end: u32): void {
  const semicolon = find(at, end, 0x3b);
  const start = skipBlanks(at, semicolon);
  const length = trimBlanks(start, semicolon) - start;
  if (length === 0) return;
  const quality = readQuality(semicolon + 1, end);
  if (length === 1 && load<u8>(start) === 0x2a) otherQuality = quality;
  else if (equalsIgnoringCase(start, length, "br")) brQuality = quality;
  else if (equalsIgnoringCase(start, length, "zstd")) zstdQuality = quality;
  else if (equalsIgnoringCase(start, length, "gzip") || equalsIgnoringCase(start, length, "x-gzip"))
    gzipQuality = quality;
  else if (equalsIgnoringCase(start, length, "identity")) identityQuality = quality;
}

/** The first of the parameters that is a `q`. One that cannot be read counts as a refusal: sending what was not clearly asked for is the worse mistake. */
function readQuality(at: u32, end: u32): i32 {
  let from = at;
  while (from < end) {
    const semicolon = find(from, end, 0x3b);
    let i = skipBlanks(from, semicolon);
    if (i < semicolon && (load<u8>(i) | 0x20) === 0x71) {
      i = skipBlanks(i + 1, semicolon);
      if (i < semicolon && load<u8>(i) === 0x3d) {
        i = skipBlanks(i + 1, semicolon);
        return readWeight(i, trimBlanks(i, semicolon));
      }
    }
    from = semicolon + 1;
  }
  return FULL;
}

/** `0`, `0.5`, `1.000`: at most three digits behind the point, and nothing above one. */
function readWeight(at: u32, end: u32): i32 {
  const length = end - at;
  if (length === 0 || length > 5) return 0;
  const whole = load<u8>(at);
  if (whole - 0x30 > 1) return 0;
  let weight: i32 = whole === 0x31 ? FULL : 0;
  if (length > 1 && load<u8>(at + 1) !== 0x2e) return 0;
  let unit: i32 = FULL / 10;
  for (let i = at + 2; i < end; i++) {
    const digit = load<u8>(i) - 0x30;
    if (digit > 9) return 0;
    weight += digit * unit;
    unit /= 10;
  }
  return weight > FULL ? 0 : weight;
}

function find(at: u32, end: u32, byte: u8): u32 {
  let i = at;
  while (i < end && load<u8>(i) !== byte) i++;
  return i;
}
