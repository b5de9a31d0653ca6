import { PATTERN_LITERAL } from "../rules/format";

/** Where the next byte of the rules is written. Who writes has seen to it that there is room. */
export let out: u32 = 0;
/** The literal token that may still grow, or 0. */
let literal: u32 = 0;

/** Goes on at an address: somewhere else, or back to where something that turned out to be wrong began. */
export function writeFrom(at: u32): void {
  out = at;
  literal = 0;
}

export function put8(value: u8): void {
  store<u8>(out, value);
  out += 1;
  literal = 0;
}

export function put16(value: u32): void {
  store<u16>(out, <u16>value);
  out += 2;
  literal = 0;
}

export function putBytes(at: u32, length: u32): void {
  memory.copy(out, at, length);
  out += length;
  literal = 0;
}

/** Writes a byte of a literal token, which it begins if what was written last was none. Patterns and texts have the same. */
export function putLiteral(byte: u8): void {
  if (literal === 0) {
    literal = out;
    store<u8>(out, PATTERN_LITERAL);
    store<u16>(out, 0, 1);
    out += 3;
  }
  store<u8>(out, byte);
  out += 1;
  store<u16>(literal, <u16>(out - literal - 3), 1);
}

/** Takes back the last byte of a literal token that was just written. */
export function dropLiteral(): void {
  out -= 1;
  const length = out - literal - 3;
  if (length === 0) out = literal;
  else store<u16>(literal, <u16>length, 1);
  literal = 0;
}
