import {
  ERROR_SIZE,
  FILE_AT_FLAGS,
  FILE_AT_FORM,
  FILE_AT_FORMS,
  FILE_AT_HEAD,
  FILE_AT_PATH,
  FILE_AT_PATH_LENGTH,
  FILE_AT_TAG,
  FILE_SIZE,
  FILE_TAG_LENGTH,
  FILE_TAGGED,
  FORM_AT_BYTES,
  FORM_AT_OFFSET,
  FORM_AT_SOURCE,
  FORM_IDENTITY,
  FORM_SIZE,
  HEAD_SIZE,
  SITE_AT_ERRORS,
  SITE_AT_FALLBACK,
  SITE_AT_FILES,
  SITE_AT_FORMS,
  SITE_AT_HEADS,
  SITE_AT_LENGTH,
  SITE_AT_MAGIC,
  SITE_AT_MODIFIED,
  SITE_AT_NOT_FOUND,
  SITE_AT_PLAIN_HEAD,
  SITE_AT_RULES,
  SITE_AT_SLOTS,
  SITE_AT_SOURCES,
  SITE_AT_URLS,
  SITE_AT_VERSION,
  SITE_HEADER,
  SITE_MAGIC,
  SITE_VERSION,
  SOURCE_OWN,
  SOURCE_SIZE,
  URL_AT_FILE,
  URL_AT_HEAD,
  URL_AT_PATH,
  URL_AT_PATH_LENGTH,
  URL_SIZE,
} from "../layout";
import { checkRules } from "../rules";
import { DATE_MOST } from "./http-date";
import { checkHeads } from "./head-check";

/** 2^53: sizes and offsets up to it are exact. */
const NUMBER_MOST: f64 = 9007199254740992;

/** The block that is checked, its bytes, and the end of the part that was checked last. */
let site: u32 = 0;
let bytes: u32 = 0;
let partEnd: u32 = 0;

/**
 * Whether a block is a site index in which every position leads where it may, whatever bytes it holds: one that passes can be answered from. The
 * time is linear in its length. Its CRC is not looked at: hosts do, which keep indexes on disk.
 *
 * @param at the address of the block, as `siteRoom` gave it
 * @param length its bytes
 */
export function siteCheck(at: u32, length: u32): u32 {
  site = at;
  bytes = length;
  return checkHeader() && checkParts() && checkNumbers() && checkRecords() && checkRules(site) ? 1 : 0;
}

function checkHeader(): bool {
  if (site % 8 !== 0 || bytes % 8 !== 0 || bytes < <u32>SITE_HEADER) return false;
  if (<u64>site + bytes > (<u64>memory.size()) << 16) return false;
  return (
    load<u32>(site + SITE_AT_MAGIC) === SITE_MAGIC &&
    load<u16>(site + SITE_AT_VERSION) === SITE_VERSION &&
    load<u32>(site + SITE_AT_LENGTH) === bytes
  );
}

/**
 * The parts lie inside of the block, one behind the other as the layout has them. (What is written into one, a tag into a file, can so
 * not change what was checked in another.)
 */
function checkParts(): bool {
  partEnd = SITE_HEADER;
  return (
    checkPart(SITE_AT_SLOTS, 4) &&
    checkPart(SITE_AT_URLS, URL_SIZE) &&
    checkPart(SITE_AT_FILES, FILE_SIZE) &&
    checkPart(SITE_AT_FORMS, FORM_SIZE) &&
    checkPart(SITE_AT_HEADS, HEAD_SIZE) &&
    checkPart(SITE_AT_SOURCES, SOURCE_SIZE) &&
    checkPart(SITE_AT_ERRORS, ERROR_SIZE) &&
    checkPart(SITE_AT_RULES, 1)
  );
}

function checkPart(pair: u32, size: u32): bool {
  const count = load<u32>(site + pair);
  const position = load<u32>(site + pair + 4);
  const end = <u64>position + <u64>count * size;
  if (count === 0) return true;
  if (position % 4 !== 0 || position < partEnd || end > bytes) return false;
  partEnd = <u32>end;
  return true;
}

/** What the header says of single files, heads and dates. */
function checkNumbers(): bool {
  const files = load<u32>(site + SITE_AT_FILES);
  const modified = load<f64>(site + SITE_AT_MODIFIED);
  return (
    load<u32>(site + SITE_AT_NOT_FOUND) <= files &&
    load<u32>(site + SITE_AT_FALLBACK) <= files &&
    isWhole(modified) &&
    modified <= DATE_MOST &&
    <u32>load<u16>(site + SITE_AT_PLAIN_HEAD) <= load<u32>(site + SITE_AT_HEADS)
  );
}

function checkRecords(): bool {
  return (
    checkSlots() &&
    checkUrls() &&
    checkFiles() &&
    checkForms() &&
    checkHeads(site, partEnd) &&
    checkSources() &&
    checkErrors()
  );
}

/** Whether a text lies behind the parts and inside of the block. */
function isText(position: u32, length: u32): bool {
  return position >= partEnd && <u64>position + length <= bytes;
}

/** The address of the first record of a part. */
function part(pair: u32): u32 {
  return site + load<u32>(site + pair + 4);
}

/** A power of two of them, each empty or with a URL record, and one at least empty, so that every search ends. */
function checkSlots(): bool {
  const count = load<u32>(site + SITE_AT_SLOTS);
  const urls = load<u32>(site + SITE_AT_URLS);
  if (count === 0) return true;
  if (popcnt<u32>(count) !== 1) return false;
  const slots = part(SITE_AT_SLOTS);
  let empty: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(slots + (i << 2));
    if (number > urls) return false;
    if (number === 0) empty++;
  }
  return empty > 0;
}

function checkUrls(): bool {
  const count = load<u32>(site + SITE_AT_URLS);
  const files = load<u32>(site + SITE_AT_FILES);
  const heads = load<u32>(site + SITE_AT_HEADS);
  let at = part(SITE_AT_URLS);
  for (let i: u32 = 0; i < count; i++) {
    if (!isText(load<u32>(at + URL_AT_PATH), load<u16>(at + URL_AT_PATH_LENGTH))) return false;
    if (load<u32>(at + URL_AT_FILE) >= files || <u32>load<u16>(at + URL_AT_HEAD) >= heads) return false;
    at += URL_SIZE;
  }
  return true;
}

function checkFiles(): bool {
  const count = load<u32>(site + SITE_AT_FILES);
  const forms = load<u32>(site + SITE_AT_FORMS);
  const heads = load<u32>(site + SITE_AT_HEADS);
  let at = part(SITE_AT_FILES);
  for (let i: u32 = 0; i < count; i++) {
    const mask = <u32>load<u8>(at + FILE_AT_FORMS);
    if (mask > 15 || (mask & FORM_IDENTITY) === 0) return false;
    if (<u64>load<u32>(at + FILE_AT_FORM) + popcnt<u32>(mask) > forms) return false;
    if (<u32>load<u16>(at + FILE_AT_HEAD) >= heads) return false;
    if (!isText(load<u32>(at + FILE_AT_PATH), load<u16>(at + FILE_AT_PATH_LENGTH))) return false;
    if ((load<u8>(at + FILE_AT_FLAGS) & FILE_TAGGED) !== 0 && !isTag(at + FILE_AT_TAG)) return false;
    at += FILE_SIZE;
  }
  return true;
}

/** Whether a tag may stand between the quotes of an entity tag (RFC 9110, section 8.8.3). */
function isTag(at: u32): bool {
  for (let i: u32 = 0; i < <u32>FILE_TAG_LENGTH; i++) {
    const byte = load<u8>(at + i);
    if (byte < 0x21 || byte === 0x22 || byte > 0x7e) return false;
  }
  return true;
}

function checkForms(): bool {
  const count = load<u32>(site + SITE_AT_FORMS);
  const sources = load<u32>(site + SITE_AT_SOURCES);
  let at = part(SITE_AT_FORMS);
  for (let i: u32 = 0; i < count; i++) {
    const offset = load<f64>(at + FORM_AT_OFFSET);
    const size = load<f64>(at + FORM_AT_BYTES);
    if (!isWhole(offset) || !isWhole(size) || offset + size > NUMBER_MOST) return false;
    const source = load<u32>(at + FORM_AT_SOURCE);
    if (source !== SOURCE_OWN && source >= sources) return false;
    at += FORM_SIZE;
  }
  return true;
}

function isWhole(value: f64): bool {
  return value >= 0 && value <= NUMBER_MOST && <f64>(<i64>value) === value;
}

function checkSources(): bool {
  const count = load<u32>(site + SITE_AT_SOURCES);
  let at = part(SITE_AT_SOURCES);
  for (let i: u32 = 0; i < count; i++) {
    if (!isText(load<u32>(at), load<u32>(at, 4))) return false;
    at += SOURCE_SIZE;
  }
  return true;
}

function checkErrors(): bool {
  const count = load<u32>(site + SITE_AT_ERRORS);
  const files = load<u32>(site + SITE_AT_FILES);
  let at = part(SITE_AT_ERRORS);
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(at) - 400 > 199 || load<u32>(at, 4) >= files) return false;
    at += ERROR_SIZE;
  }
  return true;
}
