import {
  FIELD_AT_VALUE_LENGTH,
  FIELD_CONTENT,
  FIELD_DETACHED,
  HEADER_RULE_AT_FIELDS,
  HEADER_RULE_AT_PATTERN_LENGTH,
  HEADER_RULE_SIZE,
} from "../rules/format";
import { ensure, take } from "./arena";
import { BANG, COLON, HASH, isBlank, isWord, SLASH } from "./ascii";
import { goesWithContent } from "./field-names";
import { reckonLine } from "./header-names";
import { compileValue } from "./header-value";
import {
  clearFields,
  fieldCount,
  fieldFlags,
  fieldName,
  fieldNameLength,
  fieldNumber,
  fieldValue,
  fieldValueLength,
  readDetachment,
  readField,
} from "./header-fields";
import { lineAt, lineEnd, lineNumber, nextLine, startLines } from "./lines";
import { problem, problemsOf } from "./problems";
import { compilePattern } from "./rule-pattern";
import { isUrl } from "./url-prefix";
import { out, put16, put8, putBytes, putLiteral, writeFrom } from "./rule-writer";

/** A longer file is not read: what is in it is checked for every file of the site. */
const TEXT_MOST: u32 = 1 << 20;
const RULES_MOST: u32 = 500;
const PATH_MOST: u32 = 2048;

/** The block of header rules, see ../rules.ts. */
export let headerRules: u32 = 0;
export let headerRulesLength: u32 = 0;

/** The record that is being written, or 0 if its path was wrong: then its fields are passed over. */
let rule: u32 = 0;
/** No path has come yet. */
let beforePaths: bool = true;
let ruleCount: u32 = 0;
let ruleLine: u32 = 0;

/** Compiles the text of a `_headers` file, which stays where it is. */
export function readHeaderRules(text: u32, length: u32): void {
  problemsOf("_headers");
  if (length > TEXT_MOST) {
    problem(0, "longer than 1 MiB; passed over", 0, 0);
    return;
  }
  const lines = startLines(text, length);
  // No line is compiled to more than three times its length and what each record has before it.
  if (!ensure(length * 3 + lines * 16 + 64)) return;
  headerRules = take(length * 3 + lines * 16 + 64);
  writeFrom(headerRules);
  while (nextLine()) readLine();
  endRule();
  headerRulesLength = out - headerRules;
}

function readLine(): void {
  if (lineAt === lineEnd || load<u8>(lineAt) === HASH) return;
  const length = lineEnd - lineAt;
  if (load<u8>(lineAt) === SLASH) {
    beginRule();
  } else if (isUrl(lineAt, length)) {
    endRule();
    rule = 0;
    beforePaths = false;
    problem(lineNumber, "a host; the rules of a site know paths only", lineAt, length);
  } else if (beforePaths) {
    problem(lineNumber, "comes before any path", lineAt, length);
  } else if (rule !== 0) {
    if (load<u8>(lineAt) === BANG) readDetachment(lineAt + 1, lineEnd);
    else readField(lineAt, lineEnd);
  }
}

function beginRule(): void {
  endRule();
  beforePaths = false;
  rule = 0;
  for (let at = lineAt; at < lineEnd; at++) {
    if (!isBlank(load<u8>(at))) continue;
    problem(lineNumber, "a path with a blank; write %20", lineAt, lineEnd - lineAt);
    return;
  }
  if (lineEnd - lineAt > PATH_MOST) {
    problem(lineNumber, "a path of more than 2048 bytes", lineAt, lineEnd - lineAt);
    return;
  }
  if (ruleCount >= RULES_MOST) {
    problem(lineNumber, "more than 500 paths; passed over", lineAt, lineEnd - lineAt);
    return;
  }
  const start = out;
  writeFrom(start + HEADER_RULE_SIZE);
  if (!compilePattern(lineAt + 1, lineEnd, true)) {
    writeFrom(start);
    return;
  }
  store<u16>(start + HEADER_RULE_AT_PATTERN_LENGTH, <u16>(out - start - HEADER_RULE_SIZE));
  rule = start;
  ruleLine = lineNumber;
  clearFields();
}

/** Writes the fields that came since the path. A path with none is no rule. */
function endRule(): void {
  if (rule === 0) return;
  let written: u32 = 0;
  for (let i: u32 = 0; i < fieldCount; i++) if (isFirst(i) && writeField(i)) written++;
  if (written === 0) {
    writeFrom(rule);
  } else {
    store<u16>(rule + HEADER_RULE_AT_FIELDS, <u16>written);
    store<u32>(rule, out - rule);
    ruleCount++;
  }
  rule = 0;
}

/** Whether no field before it in the rule has the same name. */
function isFirst(index: u32): bool {
  for (let i: u32 = 0; i < index; i++) if (fieldNumber(i) === fieldNumber(index)) return false;
  return true;
}

/** Writes a field with the values of all lines of its name, or that it is taken away if there are none. */
function writeField(index: u32): bool {
  const start = out;
  const name = fieldName(index);
  const nameLength = fieldNameLength(index);
  put8(<u8>fieldNumber(index));
  put8(goesWithContent(name, nameLength) ? FIELD_CONTENT : 0);
  put16(nameLength);
  put16(0);
  putBytes(name, nameLength);
  const value = out;
  let bytes = nameLength + 4;
  let values: u32 = 0;
  for (let i = index; i < fieldCount; i++) {
    if (fieldNumber(i) !== fieldNumber(index) || fieldFlags(i) === FIELD_DETACHED) continue;
    if (values > 0) bytes += putJoint(name, nameLength);
    bytes += compileValue(fieldValue(i), fieldValueLength(i));
    values++;
  }
  if (values === 0) store<u8>(start + 1, load<u8>(start + 1) | FIELD_DETACHED);
  store<u16>(start + FIELD_AT_VALUE_LENGTH, <u16>(out - value));
  if (reckonLine(fieldNumber(index), bytes)) return true;
  problem(ruleLine, "all fields together would be longer than 7168 bytes; passed over", name, nameLength);
  writeFrom(start);
  return false;
}

/** Several values make a list (RFC 9110, section 5.3), but cookies do not: each has its own line. Returns the bytes. */
function putJoint(name: u32, nameLength: u32): u32 {
  if (!isWord(name, nameLength, "set-cookie")) {
    putLiteral(0x2c);
    putLiteral(0x20);
    return 2;
  }
  putLiteral(0x0d);
  putLiteral(0x0a);
  for (let i: u32 = 0; i < nameLength; i++) putLiteral(load<u8>(name + i));
  putLiteral(COLON);
  putLiteral(0x20);
  return nameLength + 4;
}
