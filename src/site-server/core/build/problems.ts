import { ensure, take, top } from "./arena";
import { putNumber, putString } from "./ascii";

/** So many lines are told of one file; then only that there are more. */
const MOST: u32 = 100;
/** So much of what was not understood is shown. */
const SHOWN: u32 = 60;

/** The texts, linked: u32 the next, u32 length, bytes. */
let first: u32 = 0;
let last: u32 = 0;
let total: u32 = 0;
let told: u32 = 0;
let file = "";

/** What is told from now on is told of this file, with the numbers of its lines. */
export function problemsOf(name: string): void {
  file = name;
  told = 0;
}

/**
 * Tells that something was not understood: `_headers:12: MESSAGE: DETAIL`.
 *
 * @param line from 1; 0 if it is about no line
 * @param detail what the file says there; length 0 for nothing
 */
export function problem(line: u32, message: string, detail: u32, detailLength: u32): void {
  told++;
  if (told > MOST + 1 || !ensure(SHOWN + 400)) return;
  const text = take(8);
  let to = putString(file, text + 8);
  if (line > 0 && told <= MOST) {
    store<u8>(to, 0x3a);
    to = putNumber(line, to + 1);
  }
  to = putString(": ", to);
  if (told > MOST) {
    to = putString("more is wrong than is told here", to);
  } else {
    to = putString(message, to);
    if (detailLength > 0) to = putDetail(detail, detailLength, putString(": ", to));
  }
  store<u8>(to, 0x0a);
  append(text, to + 1 - text - 8);
}

/** Control characters become `?`: the text ends up in logs and on terminals. */
function putDetail(at: u32, length: u32, to: u32): u32 {
  let shown = min(length, SHOWN);
  // A character of UTF-8 is shown whole or not at all.
  while (shown < length && shown > 0 && (load<u8>(at + shown) & 0xc0) === 0x80) shown--;
  for (let i: u32 = 0; i < shown; i++) {
    const byte = load<u8>(at + i);
    store<u8>(to + i, byte < 0x20 || byte === 0x7f ? 0x3f : byte);
  }
  return shown < length ? putString("...", to + shown) : to + shown;
}

function append(text: u32, length: u32): void {
  store<u32>(text, 0);
  store<u32>(text, length, 4);
  if (first === 0) first = text;
  else store<u32>(last, text);
  last = text;
  total += length;
  take(length);
}

/** All that was told, as one text: its address. */
export function problemText(): u32 {
  if (!ensure(total)) return 0;
  const at = top;
  let to = at;
  for (let text = first; text !== 0; text = load<u32>(text)) {
    memory.copy(to, text + 8, load<u32>(text, 4));
    to += load<u32>(text, 4);
  }
  return at;
}

export function problemTextLength(): u32 {
  return total;
}
