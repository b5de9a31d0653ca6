/** Bytes in memory: copying, comparing, numbers as text. Nothing here reads a byte beyond what it was told of. */

/** Below so many bytes a loop of words beats the call that `memory.copy` is. */
const LOOP_MOST: u32 = 256;

/** Copies `length` bytes that do not overlap, and returns the address behind the copy. */
export function copy(to: u32, from: u32, length: u32): u32 {
  const end = to + length;
  if (length < 8) return copyShort(to, from, length);
  if (length > LOOP_MOST) {
    memory.copy(to, from, length);
    return end;
  }
  // The last word overlaps what the loop has copied.
  store<u64>(end - 8, load<u64>(from + length - 8));
  while (to + 16 < end) {
    store<u64>(to, load<u64>(from));
    store<u64>(to, load<u64>(from, 8), 8);
    to += 16;
    from += 16;
  }
  if (to + 8 < end) store<u64>(to, load<u64>(from));
  return end;
}

function copyShort(to: u32, from: u32, length: u32): u32 {
  const end = to + length;
  while (to < end) {
    store<u8>(to, load<u8>(from));
    to++;
    from++;
  }
  return end;
}

/** Whether `length` bytes at two places are the same. */
export function equal(a: u32, b: u32, length: u32): bool {
  if (length < 8) return equalShort(a, b, length);
  const last = length - 8;
  for (let i: u32 = 0; i < last; i += 8) {
    if (load<u64>(a + i) !== load<u64>(b + i)) return false;
  }
  return load<u64>(a + last) === load<u64>(b + last);
}

function equalShort(a: u32, b: u32, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(a + i) !== load<u8>(b + i)) return false;
  }
  return true;
}

/** Writes the text of a literal, all of it ASCII, and returns the address behind it. */
export function writeText(to: u32, text: string): u32 {
  const length = <u32>text.length;
  const from = changetype<u32>(text);
  for (let i: u32 = 0; i < length; i++) store<u8>(to + i, load<u16>(from + (i << 1)));
  return to + length;
}

/** Whether the bytes are the text of a literal in lower case, letters of either case being the same. */
export function equalsIgnoringCase(at: u32, length: u32, text: string): bool {
  if (length !== <u32>text.length) return false;
  const from = changetype<u32>(text);
  for (let i: u32 = 0; i < length; i++) {
    if (<u32>lowerCase(load<u8>(at + i)) !== <u32>load<u16>(from + (i << 1))) return false;
  }
  return true;
}

/** The byte, or its small letter if it is a capital one of ASCII. */
function lowerCase(byte: u8): u8 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}

/** Writes a whole number, 0 to 2^53, in decimal digits. */
export function writeNumber(to: u32, value: f64): u32 {
  if (value < 4294967296) return writeDigits(to, <u32>value);
  const wide = <u64>value;
  const end = writeNumber(to, <f64>(wide / 1000000000));
  let rest = <u32>(wide % 1000000000);
  for (let i: u32 = 9; i > 0; i--) {
    store<u8>(end + i - 1, 0x30 + (rest % 10));
    rest /= 10;
  }
  return end + 9;
}

function writeDigits(to: u32, value: u32): u32 {
  const end = to + countDigits(value);
  let at = end;
  do {
    // Division is slow.
    const tenth = <u32>((<u64>value * 0xcccccccd) >> 35);
    store<u8>(--at, 0x30 + (value - 10 * tenth));
    value = tenth;
  } while (value !== 0);
  return end;
}

function countDigits(value: u32): u32 {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10000) return 4;
  if (value < 100000) return 5;
  if (value < 1000000) return 6;
  if (value < 10000000) return 7;
  if (value < 100000000) return 8;
  return value < 1000000000 ? 9 : 10;
}
