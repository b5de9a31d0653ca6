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
    const nameBytes = FIELD_SIZE + load<u16>(at + FIELD_AT_NAME_LENGTH);
    if (nameBytes > end - at || !isName(at + FIELD_SIZE, at + nameBytes)) return BAD;
    at = checkText(at + nameBytes, load<u16>(at + FIELD_AT_VALUE_LENGTH), end, true);
  }
  return at;
}

function checkRedirect(rule: u32, end: u32): u32 {
  const status = load<u16>(rule + REDIRECT_AT_STATUS);
  if (status < 200 || status > 599) return BAD;
  let at = checkPattern(rule + REDIRECT_SIZE, load<u16>(rule + REDIRECT_AT_PATTERN_LENGTH), end);
  const length = <u32>load<u16>(rule + REDIRECT_AT_PARAMETERS_LENGTH);
  if (at === BAD || length > end - at) return BAD;
  const target = at + length;
  for (let left = <u32>load<u8>(rule + REDIRECT_AT_PARAMETERS); left > 0 && at !== BAD; left--) {
    at = checkParameter(at, target);
  }
  // What is served is a path, of any bytes, and not part of a head.
  const isField = (load<u8>(rule + REDIRECT_AT_FLAGS) & REDIRECT_SERVES) === 0;
  return at === target ? checkText(target, load<u16>(rule + REDIRECT_AT_TARGET_LENGTH), end, isField) : BAD;
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

/** Nothing in a name ends it, or the line. */
function isName(at: u32, end: u32): bool {
  if (at === end) return false;
  for (; at < end; at++) if (load<u8>(at) <= 0x20 || load<u8>(at) === 0x3a || load<u8>(at) >= 0x7f) return false;
  return true;
}

/**
 * Nothing in what is sent in a head ends the head: captures are written raw only into paths that are served, and a literal ends a line only if a name
 * follows (several cookies are one literal).
 */
function isFieldText(kind: u8, at: u32, bytes: u32): bool {
  if (kind === TEXT_CAPTURE) return load<u8>(at, 2) !== CAPTURE_RAW;
  if (kind !== TEXT_LITERAL) return true;
  const end = at + bytes;
  for (let i = at + 3; i < end; i++) {
    const byte = load<u8>(i);
    if (byte === 0x0d && end - i > 2 && load<u8>(i, 1) === 0x0a && isName(i + 2, i + 3)) i++;
    else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return false;
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
