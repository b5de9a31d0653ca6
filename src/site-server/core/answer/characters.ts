/** What a byte may be part of. */

/** A token: names of fields, methods (RFC 9110, section 5.6.2). */
export const IN_TOKEN: u8 = 1;
/** A path as it is sent that stands for itself: no slash, no percent sign, neither `?` nor `#`, nothing that a target may not hold. */
export const IN_SEGMENT: u8 = 2;
/** A path in a `Location`: what needs no percent-encoding there (RFC 3986, section 3.3; and the slash). */
export const IN_LOCATION: u8 = 4;
/** A registered name or an IPv4 address (RFC 3986, section 3.2.2), but for the percent sign. */
export const IN_HOST: u8 = 8;
/** A hexadecimal digit. */
export const IS_HEX: u8 = 16;

const classes: u32 = <u32>memory.data(256);

add("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", IN_TOKEN | IN_LOCATION | IN_HOST);
add("!#$%&'*+-.^_`|~", IN_TOKEN);
add("-._~!$&'()*+,;=", IN_LOCATION | IN_HOST);
add(":@/", IN_LOCATION);
add("0123456789ABCDEFabcdef", IS_HEX);
for (let byte: u32 = 0x21; byte < 0x7f; byte++) {
  if (byte !== 0x2f && byte !== 0x25 && byte !== 0x3f && byte !== 0x23) {
    store<u8>(classes + byte, load<u8>(classes + byte) | IN_SEGMENT);
  }
}

function add(text: string, kind: u8): void {
  const from = changetype<u32>(text);
  const length = <u32>text.length;
  for (let i: u32 = 0; i < length; i++) {
    const at = classes + load<u16>(from + (i << 1));
    store<u8>(at, load<u8>(at) | kind);
  }
}

/** Whether a byte may be part of something. */
export function isIn(byte: u8, kind: u8): bool {
  return (load<u8>(classes + byte) & kind) !== 0;
}

/** The value of a hexadecimal digit. */
export function hexValue(digit: u8): u8 {
  return digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57;
}

/** Whether a byte may be part of a field's value (RFC 9110, section 5.5). */
export function isValueByte(byte: u8): bool {
  return byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
}

/** Space or tab. */
function isBlank(byte: u8): bool {
  return byte === 0x20 || byte === 0x09;
}

/** The first address from `at` on that is no blank, or `end`. */
export function skipBlanks(at: u32, end: u32): u32 {
  while (at < end && isBlank(load<u8>(at))) at++;
  return at;
}

/** The end of a text without the blanks at its end. */
export function trimBlanks(at: u32, end: u32): u32 {
  while (end > at && isBlank(load<u8>(end - 1))) end--;
  return end;
}
