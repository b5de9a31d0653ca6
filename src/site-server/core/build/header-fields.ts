import { FIELD_DETACHED, NAMES_MOST } from "../rules/format";
import { COLON, isBlank, isWord } from "./ascii";
import { isFieldValue, isServersOwn, isToken } from "./field-names";
import { numberOfName } from "./header-names";
import { lineAt, lineEnd, lineNumber } from "./lines";
import { problem } from "./problems";

/** So many lines a rule may have. */
const FIELDS_MOST: u32 = 128;
/** Together with the limit of a head, so that no length needs more than 16 bits. */
const VALUE_MOST: u32 = 6000;
const SIZE: u32 = 24;

/** The fields of the rule that is being read: FIELDS_MOST x (u32 name, u32 its length, u32 value, u32 its length, u32 number of the name, u32 flags) */
const fields = memory.data(3072);
export let fieldCount: u32 = 0;

export function clearFields(): void {
  fieldCount = 0;
}

export function fieldName(index: u32): u32 {
  return load<u32>(fields + index * SIZE);
}

export function fieldNameLength(index: u32): u32 {
  return load<u32>(fields + index * SIZE, 4);
}

export function fieldValue(index: u32): u32 {
  return load<u32>(fields + index * SIZE, 8);
}

export function fieldValueLength(index: u32): u32 {
  return load<u32>(fields + index * SIZE, 12);
}

export function fieldNumber(index: u32): u32 {
  return load<u32>(fields + index * SIZE, 16);
}

export function fieldFlags(index: u32): u32 {
  return load<u32>(fields + index * SIZE, 20);
}

/** Reads a line `Name: value`. */
export function readField(at: u32, end: u32): void {
  let colon = at;
  while (colon < end && load<u8>(colon) !== COLON) colon++;
  if (colon === end) {
    tell("neither a path nor a field");
    return;
  }
  let nameEnd = colon;
  while (nameEnd > at && isBlank(load<u8>(nameEnd - 1))) nameEnd--;
  let value = colon + 1;
  while (value < end && isBlank(load<u8>(value))) value++;
  if (!isAllowedName(at, nameEnd - at)) return;
  if (value === end) tell("a field without a value");
  else if (end - value > VALUE_MOST) tell("a value of more than 6000 bytes");
  else if (!isFieldValue(value, end - value)) tell("a value with control characters");
  else if (!isNeedlessVary(at, nameEnd - at, value, end - value)) add(at, nameEnd - at, value, end - value, 0);
}

/** Reads what follows the `!` of a line `! Name`: the field is taken away. */
export function readDetachment(at: u32, end: u32): void {
  while (at < end && isBlank(load<u8>(at))) at++;
  const length = end - at;
  if (!isAllowedName(at, length)) return;
  if (isWord(at, length, "vary") || isWord(at, length, "content-type")) tell("a field that answers cannot go without");
  else add(at, length, 0, 0, FIELD_DETACHED);
}

function isAllowedName(name: u32, length: u32): bool {
  if (!isToken(name, length)) tell("no name of a field");
  else if (isWord(name, length, "basic-auth"))
    tell("passwords are not understood, and would be sent to everyone; nothing is protected");
  else if (isServersOwn(name, length)) tell("a field that the server alone sets");
  else return true;
  return false;
}

/** The server says it where it is so. */
function isNeedlessVary(name: u32, nameLength: u32, value: u32, length: u32): bool {
  return isWord(name, nameLength, "vary") && isWord(value, length, "accept-encoding");
}

function add(name: u32, nameLength: u32, value: u32, valueLength: u32, flags: u32): void {
  const number = numberOfName(name, nameLength);
  if (number === NAMES_MOST) {
    tell("more than 60 different fields");
  } else if (fieldCount === FIELDS_MOST) {
    tell("more than 128 lines for one path");
  } else {
    const field = fields + fieldCount * SIZE;
    store<u32>(field, name);
    store<u32>(field, nameLength, 4);
    store<u32>(field, value, 8);
    store<u32>(field, valueLength, 12);
    store<u32>(field, number, 16);
    store<u32>(field, flags, 20);
    fieldCount++;
  }
}

/** What is wrong is shown with its name only: a value may be secret. */
function tell(message: string): void {
  let end = lineAt;
  while (end < lineEnd && load<u8>(end) !== COLON) end++;
  problem(lineNumber, message, lineAt, end - lineAt);
}
