/** Characters of ASCII, and what texts consist of. */
export const TAB: u8 = 0x09;
export const LINE_FEED: u8 = 0x0a;
export const SPACE: u8 = 0x20;
export const BANG: u8 = 0x21;
export const HASH: u8 = 0x23;
export const PERCENT: u8 = 0x25;
export const STAR: u8 = 0x2a;
export const DASH: u8 = 0x2d;
export const DOT: u8 = 0x2e;
export const SLASH: u8 = 0x2f;
export const COLON: u8 = 0x3a;
export const EQUALS: u8 = 0x3d;
export const QUESTION: u8 = 0x3f;
export const UNDERSCORE: u8 = 0x5f;

export const NO_WORD: u32 = u32.MAX_VALUE;

export function isUpper(byte: u8): bool {
  return byte >= 0x41 && byte <= 0x5a;
}

export function isLower(byte: u8): bool {
  return byte >= 0x61 && byte <= 0x7a;
}

export function isDigit(byte: u8): bool {
  return byte >= 0x30 && byte <= 0x39;
}

export function isLetter(byte: u8): bool {
  return isLower(byte | 0x20);
}

export function toLower(byte: u8): u8 {
  return isUpper(byte) ? byte | 0x20 : byte;
}

/** Blanks and what else may stand at the ends of a line. */
export function isBlank(byte: u8): bool {
  return byte === SPACE || (byte >= 0x09 && byte <= 0x0d);
}

/** Whether a text is, in any case, an ASCII string in lower case. */
export function isWord(at: u32, length: u32, word: string): bool {
  if (<u32>word.length !== length) return false;
  for (let i: u32 = 0; i < length; i++) {
    if (toLower(load<u8>(at + i)) !== unitAt(word, i)) return false;
  }
  return true;
}

/** Whether a text is an ASCII string. */
export function isString(at: u32, length: u32, text: string): bool {
  if (<u32>text.length !== length) return false;
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(at + i) !== unitAt(text, i)) return false;
  }
  return true;
}

/** Which word of a list, in lower case and with blanks between them, a text is, in any case; NO_WORD if none. */
export function wordIn(at: u32, length: u32, list: string): u32 {
  const end = <u32>list.length;
  let number: u32 = 0;
  for (let start: u32 = 0; start < end; number++) {
    let i: u32 = 0;
    while (i < length && start + i < end && unitAt(list, start + i) === toLower(load<u8>(at + i))) i++;
    if (i === length && (start + i === end || unitAt(list, start + i) === SPACE)) return number;
    while (start < end && unitAt(list, start) !== SPACE) start++;
    start++;
  }
  return NO_WORD;
}

/** Whether two texts are the same but for the case of letters. */
export function isSameName(a: u32, aLength: u32, b: u32, bLength: u32): bool {
  if (aLength !== bLength) return false;
  for (let i: u32 = 0; i < aLength; i++) {
    if (toLower(load<u8>(a + i)) !== toLower(load<u8>(b + i))) return false;
  }
  return true;
}

export function isSame(a: u32, aLength: u32, b: u32, bLength: u32): bool {
  return aLength === bLength && memory.compare(a, b, aLength) === 0;
}

/** A character of an ASCII string, which lies in static memory as UTF-16. */
export function unitAt(text: string, index: u32): u8 {
  return load<u8>(changetype<usize>(text) + index * 2);
}

/** Writes an ASCII string; returns where it ends. */
export function putString(text: string, to: u32): u32 {
  const length = <u32>text.length;
  for (let i: u32 = 0; i < length; i++) store<u8>(to + i, unitAt(text, i));
  return to + length;
}

/** Writes a number in decimal; returns where it ends. */
export function putNumber(value: u32, to: u32): u32 {
  let digits: u32 = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) digits++;
  for (let i = digits; i > 0; i--) {
    store<u8>(to + i - 1, <u8>(0x30 + (value % 10)));
    value /= 10;
  }
  return to + digits;
}
