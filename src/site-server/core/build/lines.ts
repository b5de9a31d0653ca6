import { isBlank, LINE_FEED } from "./ascii";

/** The line that `nextLine` found, without blanks at its ends, and its number, from 1. */
export let lineAt: u32 = 0;
export let lineEnd: u32 = 0;
export let lineNumber: u32 = 0;

let cursor: u32 = 0;
let textEnd: u32 = 0;

/** Begins to read the lines of a text, a byte order mark at its beginning passed over. Returns how many there are. */
export function startLines(text: u32, length: u32): u32 {
  cursor = text;
  textEnd = text + length;
  lineNumber = 0;
  if (length >= 3 && load<u16>(text) === 0xbbef && load<u8>(text, 2) === 0xbf) cursor += 3;
  let count: u32 = 1;
  for (let at = text; at < textEnd; at++) if (load<u8>(at) === LINE_FEED) count++;
  return count;
}

/** Goes on to the next line. Returns whether there is one. */
export function nextLine(): bool {
  if (cursor >= textEnd) return false;
  lineNumber++;
  lineAt = cursor;
  while (cursor < textEnd && load<u8>(cursor) !== LINE_FEED) cursor++;
  lineEnd = cursor;
  cursor++;
  while (lineAt < lineEnd && isBlank(load<u8>(lineAt))) lineAt++;
  while (lineEnd > lineAt && isBlank(load<u8>(lineEnd - 1))) lineEnd--;
  return true;
}
