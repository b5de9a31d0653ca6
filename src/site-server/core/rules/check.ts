import { SITE_AT_RULES } from "../layout";
import {
  CAPTURE_RAW,
  CAPTURES_MOST,
  FIELD_AT_NAME,
  FIELD_AT_NAME_LENGTH,
  FIELD_AT_VALUE_LENGTH,
  FIELD_SIZE,
  HEADER_RULE_AT_FIELDS,
  HEADER_RULE_AT_PATTERN_LENGTH,
  HEADER_RULE_SIZE,
  NAMES_MOST,
  PARAMETER_ANY,
  PARAMETER_CAPTURE,
  PARAMETER_LITERAL,
  PATTERN_LITERAL,
  PATTERN_NAME,
  PATTERN_TAIL,
  REDIRECT_AT_FLAGS,
  REDIRECT_AT_PARAMETERS,
  REDIRECT_AT_PARAMETERS_LENGTH,
  REDIRECT_AT_PATTERN_LENGTH,
  REDIRECT_AT_STATUS,
  REDIRECT_AT_TARGET_LENGTH,
  REDIRECT_SERVES,
  REDIRECT_SIZE,
  RULES_AT_HEADERS,
  RULES_AT_REDIRECTS,
  RULES_HEADER,
  TEXT_CAPTURE,
  TEXT_LITERAL,
  TEXT_QUERY,
} from "./format";
import { tokenLength } from "./pattern";

/** Why a check ended: what is looked at is not whole. No part of the rules is so long. */
const BAD: u32 = u32.MAX_VALUE;

/** Sets of numbers of captures, a bit each: those that the rule makes, and those that its texts name. */
let made: u32 = 0;
let named: u32 = 0;

/**
 * Whether the rules of a site index are such that nothing above reads outside of them: every length and count is right, every number of a name is one, no text
 * that is sent can end a head, and none names a capture that its rule does not make (what another request left there would be sent).
 *
 * @param site the address of the block, whose header has been found to be whole and its part `rules` to lie inside of it
 */
export function checkRules(site: u32): bool {
  const length = load<u32>(site + SITE_AT_RULES);
  if (length === 0) return true;
  if (length < RULES_HEADER) return false;
  const rules = site + load<u32>(site + SITE_AT_RULES + 4);
  return checkBlock(rules, length, RULES_AT_HEADERS) && checkBlock(rules, length, RULES_AT_REDIRECTS);
}

function checkBlock(rules: u32, length: u32, part: u32): bool {
  const position = load<u32>(rules + part);
  const bytes = load<u32>(rules + part + 4);
  if (position < RULES_HEADER || position > length || bytes > length - position) return false;
  const end = rules + position + bytes;
  const least = part === RULES_AT_HEADERS ? HEADER_RULE_SIZE : REDIRECT_SIZE;
  let rule = rules + position;
  while (rule < end) {
    if (end - rule < least) return false;
    const size = load<u32>(rule);
    if (size < least || size > end - rule) return false;
    made = 0;
    named = 0;
    const stop = part === RULES_AT_HEADERS ? checkHeaderRule(rule, rule + size) : checkRedirect(rule, rule + size);
    if (stop !== rule + size || named & ~made) return false;
    rule += size;
  }
  return true;
}

function checkHeaderRule(rule: u32, end: u32): u32 {
  let at = checkPattern(rule + HEADER_RULE_SIZE, load<u16>(rule + HEADER_RULE_AT_PATTERN_LENGTH), end);
  for (let left = <u32>load<u16>(rule + HEADER_RULE_AT_FIELDS); left > 0 && at !== BAD; left--) {
    if (end - at < FIELD_SIZE || load<u8>(at + FIELD_AT_NAME) >= NAMES_MOST) return BAD;
    const nameBytes = FIELD_SIZE + <u32>load<u16>(at + FIELD_AT_NAME_LENGTH);
    if (nameBytes === FIELD_SIZE || nameBytes > end - at) return BAD;
    if (nameEnd(at + FIELD_SIZE, at + nameBytes) !== at + nameBytes) return BAD;
    at = checkText(at + nameBytes, load<u16>(at + FIELD_AT_VALUE_LENGTH), end, true);
  }
  return at;
}

function checkRedirect(rule: u32, end: u32): u32 {
  const serves = (load<u8>(rule + REDIRECT_AT_FLAGS) & REDIRECT_SERVES) !== 0;
  if (!isStatus(load<u16>(rule + REDIRECT_AT_STATUS), serves)) return BAD;
  let at = checkPattern(rule + REDIRECT_SIZE, load<u16>(rule + REDIRECT_AT_PATTERN_LENGTH), end);
  const length = <u32>load<u16>(rule + REDIRECT_AT_PARAMETERS_LENGTH);
  if (at === BAD || length > end - at) return BAD;
  const target = at + length;
  for (let left = <u32>load<u8>(rule + REDIRECT_AT_PARAMETERS); left > 0 && at !== BAD; left--) {
    at = checkParameter(at, target);
  }
  // What is served is a path, of any bytes, and not part of a head.
  return at === target ? checkText(target, load<u16>(rule + REDIRECT_AT_TARGET_LENGTH), end, !serves) : BAD;
}

/** A file is served as what was asked for, or as the page of an error; a Location goes with those statuses alone that are redirects. */
function isStatus(status: u32, serves: bool): bool {
  if (serves) return status === 200 || (status >= 400 && status <= 599);
  return (status >= 301 && status <= 303) || status === 307 || status === 308;
}

/** Each `check…` returns where what it looked at ends, or BAD. */
function checkPattern(pattern: u32, length: u32, limit: u32): u32 {
  if (length === 0 || length > limit - pattern) return BAD;
  const end = pattern + length;
  let at = pattern + 1;
  while (at < end) {
    const kind = load<u8>(at);
    if (kind < PATTERN_LITERAL || kind > PATTERN_TAIL) return BAD;
    const head: u32 = kind === PATTERN_LITERAL ? 3 : kind === PATTERN_NAME ? 4 : 2;
    if (end - at < head || tokenLength(kind, at) > end - at) return BAD;
    if (kind !== PATTERN_LITERAL) {
      const capture = <u32>load<u8>(at, 1);
      if (capture >= CAPTURES_MOST) return BAD;
      made |= 1 << capture;
    }
    at += tokenLength(kind, at);
  }
  return end;
}

/** @param isField whether the text is sent in a head */
function checkText(text: u32, length: u32, limit: u32, isField: bool): u32 {
  if (length > limit - text) return BAD;
  const end = text + length;
  let at = text;
  while (at < end) {
    const kind = load<u8>(at);
    if (kind < TEXT_LITERAL || kind > TEXT_QUERY) return BAD;
    if (kind !== TEXT_QUERY && end - at < 3) return BAD;
    if (kind === TEXT_CAPTURE) {
      if (load<u8>(at, 1) >= CAPTURES_MOST) return BAD;
      named |= 1 << load<u8>(at, 1);
    }
    const bytes: u32 = kind === TEXT_QUERY ? 1 : kind === TEXT_CAPTURE ? 3 : 3 + <u32>load<u16>(at, 1);
    if (bytes > end - at || (isField && !isFieldText(kind, at, bytes))) return BAD;
    at += bytes;
  }
  return end;
}

/** Where a name of a field that begins here ends: behind the last byte of a `token` (RFC 9110, section 5.6.2). */
function nameEnd(at: u32, end: u32): u32 {
  while (at < end && isTokenByte(load<u8>(at))) at++;
  return at;
}

function isTokenByte(byte: u8): bool {
  if (byte < 0x21 || byte > 0x7e) return false;
  // A bit for each of `"(),/:;<=>?`, and of `@[\]{}`.
  const barred: u64 = byte < 0x40 ? 0xfc00930400000000 : 0x2800000038000001;
  return ((barred >> (byte & 63)) & 1) === 0;
}

/**
 * Nothing in what is sent in a head ends the head: captures are written raw only into paths that are served, and a literal ends a line only if a name
 * and its colon follow (several cookies are one literal).
 */
function isFieldText(kind: u8, at: u32, bytes: u32): bool {
  if (kind === TEXT_CAPTURE) return load<u8>(at, 2) !== CAPTURE_RAW;
  if (kind !== TEXT_LITERAL) return true;
  const end = at + bytes;
  for (let i = at + 3; i < end; i++) {
    const byte = load<u8>(i);
    if (byte === 0x0d && end - i > 2 && load<u8>(i, 1) === 0x0a) {
      const stop = nameEnd(i + 2, end);
      if (stop === i + 2 || stop === end || load<u8>(stop) !== 0x3a) return false;
      i = stop;
    } else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) {
      return false;
    }
  }
  return true;
}

function checkParameter(at: u32, end: u32): u32 {
  if (end - at < 3) return BAD;
  const name = <u32>load<u16>(at);
  if (name > end - at - 3) return BAD;
  at += 2 + name;
  const kind = load<u8>(at);
  if (kind === PARAMETER_ANY) return at + 1;
  if (kind === PARAMETER_CAPTURE) {
    if (end - at < 2 || load<u8>(at, 1) >= CAPTURES_MOST) return BAD;
    made |= 1 << load<u8>(at, 1);
    return at + 2;
  }
  if (kind !== PARAMETER_LITERAL || end - at < 3) return BAD;
  const length = <u32>load<u16>(at, 1);
  return length <= end - at - 3 ? at + 3 + length : BAD;
}
