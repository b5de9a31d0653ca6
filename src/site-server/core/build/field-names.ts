import { isDigit, isLetter, NO_WORD, SPACE, TAB, wordIn } from "./ascii";

/** Whether a text is a `token` (RFC 9110, section 5.6.2), as names of fields are. */
export function isToken(at: u32, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (!isTokenByte(load<u8>(at + i))) return false;
  return length > 0;
}

function isTokenByte(byte: u8): bool {
  if (isLetter(byte) || isDigit(byte)) return true;
  if (byte === 0x21 || (byte >= 0x23 && byte <= 0x27)) return true; // ! # $ % & '
  if (byte === 0x2a || byte === 0x2b || byte === 0x2d || byte === 0x2e) return true; // * + - .
  return byte === 0x5e || byte === 0x5f || byte === 0x60 || byte === 0x7c || byte === 0x7e; // ^ _ ` | ~
}

/** Whether a text is a value that a field may have (RFC 9110, section 5.5): nothing in it that ends a line or that no field may carry. */
export function isFieldValue(at: u32, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if ((byte < SPACE && byte !== TAB) || byte === 0x7f) return false;
  }
  return length > 0;
}

/** Fields that say how an answer is sent, what it is a part of, or whether a cached one is still good: the server alone knows. */
const SERVERS_OWN =
  "accept-ranges age allow alt-svc connection content-encoding content-length content-range date etag keep-alive last-modified location proxy-connection server te trailer transfer-encoding upgrade";
/** Fields that describe the content of an answer, and so go with it only: a 304 has none of them (RFC 9110, section 15.4.5). */
const OF_CONTENT = "content-type content-language content-disposition x-content-type-options";

export function isServersOwn(name: u32, length: u32): bool {
  return wordIn(name, length, SERVERS_OWN) !== NO_WORD;
}

export function goesWithContent(name: u32, length: u32): bool {
  return wordIn(name, length, OF_CONTENT) !== NO_WORD;
}
