import { isDigit, isLetter, isWord, SPACE, TAB } from "./ascii";

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
export function isServersOwn(name: u32, length: u32): bool {
  if (isWord(name, length, "accept-ranges") || isWord(name, length, "age")) return true;
  if (isWord(name, length, "allow")) return true;
  if (isWord(name, length, "alt-svc") || isWord(name, length, "connection")) return true;
  if (isWord(name, length, "content-encoding") || isWord(name, length, "content-length")) return true;
  if (isWord(name, length, "content-range") || isWord(name, length, "date") || isWord(name, length, "etag"))
    return true;
  if (isWord(name, length, "keep-alive") || isWord(name, length, "last-modified")) return true;
  if (isWord(name, length, "location") || isWord(name, length, "proxy-connection")) return true;
  if (isWord(name, length, "server") || isWord(name, length, "te") || isWord(name, length, "trailer")) return true;
  return isWord(name, length, "transfer-encoding") || isWord(name, length, "upgrade");
}

/** Fields that describe the content of an answer, and so go with it only: a 304 has none of them (RFC 9110, section 15.4.5). */
export function goesWithContent(name: u32, length: u32): bool {
  if (isWord(name, length, "content-type") || isWord(name, length, "content-language")) return true;
  return isWord(name, length, "content-disposition") || isWord(name, length, "x-content-type-options");
}
