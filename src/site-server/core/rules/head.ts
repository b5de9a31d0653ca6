import { HEAD_AT_COMMON, HEAD_AT_CONTENT, HEAD_AT_TEXT, HEAD_MOST_BYTES, SITE_AT_RULES } from "../layout";
import {
  FIELD_AT_FLAGS,
  FIELD_AT_NAME,
  FIELD_AT_NAME_LENGTH,
  FIELD_AT_VALUE_LENGTH,
  FIELD_CONTENT,
  FIELD_DETACHED,
  FIELD_SIZE,
  HEADER_RULE_AT_FIELDS,
  HEADER_RULE_AT_PATTERN_LENGTH,
  HEADER_RULE_SIZE,
  NAME_CACHE_CONTROL,
  NAME_CONTENT_TYPE,
  NAME_CONTENT_TYPE_OPTIONS,
  NAME_VARY,
  NAMES_MOST,
  RULES_AT_HEADERS,
} from "./format";
import { matchPattern } from "./pattern";
import { putText } from "./text";

/** NAMES_MOST x (u32 the field that is in force, or 0; u32 its rule) */
const inForce = memory.data(512);
/** Every number of a name in force is below it. */
let names: u32 = 0;

/** The bytes of the common fields that `writeHead` or `writeFields` wrote last: what follows goes with content only. */
export let commonLength: u32 = 0;

/**
 * Writes the lines of a head template, as `_headers` changes them for a path. For answers whose path has no URL record: error pages, the
 * fallback, rewrites, redirects and built-in pages. (The templates of URL records have the rules in them already: copy them.)
 *
 * @param site a checked site index
 * @param head the address of a HEAD record: of FILE_AT_HEAD or SITE_AT_PLAIN_HEAD
 * @param path the percent-decoded path of the request without its leading slash
 * @param content whether the fields that go with content are written too
 * @param to HEAD_MOST_BYTES of room
 * @returns the bytes written
 */
export function writeHead(site: u32, head: u32, path: u32, pathLength: u32, content: bool, to: u32): u32 {
  const text = site + load<u32>(head + HEAD_AT_TEXT);
  const common = <u32>load<u16>(head + HEAD_AT_COMMON);
  const more = content ? <u32>load<u16>(head + HEAD_AT_CONTENT) : 0;
  let rules: u32 = 0;
  let bytes: u32 = 0;
  if (load<u32>(site + SITE_AT_RULES) > 0) {
    const at = site + load<u32>(site + SITE_AT_RULES + 4);
    rules = at + load<u32>(at + RULES_AT_HEADERS);
    bytes = load<u32>(at + RULES_AT_HEADERS + 4);
  }
  return writeFields(rules, bytes, text, common, more, path, pathLength, to);
}

/** The same for rules and a template that are in no site yet: `rules` is a block of header rules, `text` the template. */
export function writeFields(
  rules: u32,
  rulesLength: u32,
  text: u32,
  common: u32,
  content: u32,
  path: u32,
  pathLength: u32,
  to: u32,
): u32 {
  const end = to + HEAD_MOST_BYTES;
  if (!findFields(rules, rulesLength, path, pathLength)) {
    memory.copy(to, text, common + content);
    commonLength = common;
    return common + content;
  }
  let at = putLines(text, text + common, path, pathLength, to, end);
  at = putFields(0, path, pathLength, at, end);
  commonLength = at - to;
  if (content === 0) return commonLength;
  at = putLines(text + common, text + common + content, path, pathLength, at, end);
  return putFields(FIELD_CONTENT, path, pathLength, at, end) - to;
}

/** Finds which fields are in force for a path: of several rules that name the same field, the last. Returns whether there are any. */
function findFields(rules: u32, length: u32, path: u32, pathLength: u32): bool {
  const end = rules + length;
  names = 0;
  for (let rule = rules; rule < end; rule += load<u32>(rule)) {
    const patternLength = <u32>load<u16>(rule + HEADER_RULE_AT_PATTERN_LENGTH);
    const pattern = rule + HEADER_RULE_SIZE;
    if (!matchPattern(pattern, patternLength, path, pathLength)) continue;
    if (names === 0) memory.fill(inForce, 0, NAMES_MOST * 8);
    let field = pattern + patternLength;
    for (let left = <u32>load<u16>(rule + HEADER_RULE_AT_FIELDS); left > 0; left--) {
      const name = <u32>load<u8>(field + FIELD_AT_NAME);
      store<u32>(inForce + name * 8, field);
      store<u32>(inForce + name * 8, rule, 4);
      names = max(names, name + 1);
      field += FIELD_SIZE + load<u16>(field + FIELD_AT_NAME_LENGTH) + load<u16>(field + FIELD_AT_VALUE_LENGTH);
    }
  }
  return names > 0;
}

/** Copies the lines of a template whose fields no rule replaces or takes away. */
function putLines(line: u32, end: u32, path: u32, pathLength: u32, to: u32, most: u32): u32 {
  while (line < end) {
    let next = line;
    while (next < end && load<u8>(next) !== 0x0a) next++;
    next = min(next + 1, end);
    const name = nameOfLine(line, next);
    const field = name < names ? load<u32>(inForce + name * 8) : 0;
    if (field === 0) {
      if (next - line > most - to) return to;
      memory.copy(to, line, next - line);
      to += next - line;
    } else if (name === NAME_VARY) {
      // What the encodings make necessary is never lost: the site's own names come after it.
      to = putVary(line, next, path, pathLength, to, most);
    }
    line = next;
  }
  return to;
}

/** Which of the server's own fields a line of a template is; NAMES_MOST if none. They differ in their first two bytes, but for the two of content. */
function nameOfLine(line: u32, end: u32): u32 {
  if (end - line < 14) return NAMES_MOST;
  const first = load<u16>(line);
  if (first === 0x6143) return NAME_CACHE_CONTROL; // "Ca"
  if (first === 0x6156) return NAME_VARY; // "Va"
  if (first === 0x6f43) return NAME_CONTENT_TYPE; // "Co"
  return first === 0x2d58 ? NAME_CONTENT_TYPE_OPTIONS : NAMES_MOST; // "X-"
}

/** `Vary: Accept-Encoding` as it is, a comma, and the rule's names. The field is done with then. */
function putVary(line: u32, next: u32, path: u32, pathLength: u32, to: u32, most: u32): u32 {
  const own = next - line - 2;
  if (own + 4 > most - to) return to;
  memory.copy(to, line, own);
  store<u16>(to + own, 0x202c); // ", "
  const end = putValue(NAME_VARY, path, pathLength, to + own + 2, most - 2);
  store<u32>(inForce + NAME_VARY * 8, 0);
  if (end === u32.MAX_VALUE) return to;
  store<u16>(end, 0x0a0d);
  return end + 2;
}

/** Writes the fields in force of one kind, 0 or FIELD_CONTENT. One that has no room is left out: `build` sees to it that there is, see FIELDS_MOST. */
function putFields(kind: u8, path: u32, pathLength: u32, to: u32, most: u32): u32 {
  for (let name: u32 = 0; name < names; name++) {
    const field = load<u32>(inForce + name * 8);
    if (field === 0) continue;
    const flags = load<u8>(field + FIELD_AT_FLAGS);
    if (flags & FIELD_DETACHED || (flags & FIELD_CONTENT) !== kind) continue;
    const nameLength = <u32>load<u16>(field + FIELD_AT_NAME_LENGTH);
    if (nameLength + 4 > most - to) continue;
    memory.copy(to, field + FIELD_SIZE, nameLength);
    store<u16>(to + nameLength, 0x203a); // ": "
    const end = putValue(name, path, pathLength, to + nameLength + 2, most - 2);
    if (end === u32.MAX_VALUE) continue;
    store<u16>(end, 0x0a0d);
    to = end + 2;
  }
  return to;
}

function putValue(name: u32, path: u32, pathLength: u32, to: u32, most: u32): u32 {
  const field = load<u32>(inForce + name * 8);
  const rule = load<u32>(inForce + name * 8, 4);
  // Another rule may have matched after this one: its captures are found again.
  matchPattern(rule + HEADER_RULE_SIZE, load<u16>(rule + HEADER_RULE_AT_PATTERN_LENGTH), path, pathLength);
  const value = field + FIELD_SIZE + load<u16>(field + FIELD_AT_NAME_LENGTH);
  return putText(value, load<u16>(field + FIELD_AT_VALUE_LENGTH), 0, 0, to, most);
}
