import {
  DASH,
  DOT,
  isDigit,
  isLetter,
  isLower,
  isSame,
  isString,
  isUpper,
  NO_WORD,
  SLASH,
  UNDERSCORE,
  wordIn,
} from "./ascii";

/** The name carries no hash; perhaps one; surely one. */
export const HASH_NO: u32 = 0;
export const HASH_PERHAPS: u32 = 1;
export const HASH_SURE: u32 = 2;

/** Extensions of pages: none is ever kept. */
const PAGES = "html htm xhtml xhtm";

/**
 * Whether a file's name carries a hash of its content, as bundlers give them: `app.3f9a1c2b.js`, `index-B7xYz_9a.css`.
 * "Sure" means that caches may keep it for a year, so that a wrong guess would hurt: it wants a pattern that no
 * word or date has. "Perhaps" only means that it stays reachable for a while after a newer release took over.
 *
 * @param name where the last name of the path begins
 */
export function hashNamed(path: u32, name: u32, end: u32): u32 {
  let dot = end;
  while (dot > name && load<u8>(dot - 1) !== DOT) dot--;
  if (dot === name) return inImmutableFolder(path, name) ? HASH_SURE : HASH_NO;
  if (wordIn(dot, end - dot, PAGES) !== NO_WORD) return HASH_NO;
  if (inImmutableFolder(path, name)) return HASH_SURE;
  let best = HASH_NO;
  let first: u32 = 0;
  // The hash may be followed by more than the extension: `main.3f9a1c2b.chunk.js.map`.
  for (let part = name; part < dot;) {
    let stop = part;
    while (load<u8>(stop) !== DOT) stop++;
    if (part === name) first = stop - part;
    best = max(best, judge(part, stop - part, isSame(part, stop - part, name, first)));
    part = stop + 1;
  }
  return best;
}

/** Folders in which bundlers put nothing but files that never change. */
function inImmutableFolder(path: u32, name: u32): bool {
  for (let at = path; at < name; at++) {
    if (at > path && load<u8>(at - 1) !== SLASH) continue;
    if (name - at >= 13 && isString(at, 13, "_next/static/")) return true;
    if (name - at >= 15 && isString(at, 15, "_app/immutable/")) return true;
  }
  return false;
}

/** @param first whether it is the part before the first dot, where a hash mostly follows a hyphen or underscore */
function judge(part: u32, length: u32, first: bool): u32 {
  let hex = length;
  while (hex > 0 && isHex(load<u8>(part + hex - 1))) hex--;
  const before = hex > 0 ? load<u8>(part + hex - 1) : DASH;
  const hexLength = length - hex;
  if ((before === DASH || before === UNDERSCORE) && hexLength >= 8 && hexLength <= 128) {
    return judgeHex(part + hex, hexLength, first && hex === 0);
  }
  // Eight characters of base64url (Vite, Rollup) or base32 (esbuild), after a hyphen or a dot.
  if (length < 8 || (length > 8 && load<u8>(part + length - 9) !== DASH) || (first && length === 8)) return HASH_NO;
  return judgeToken(part + length - 8);
}

function isHex(byte: u8): bool {
  return isDigit(byte) || (byte >= 0x61 && byte <= 0x66);
}

/** Hexadecimal, from webpack, Parcel, Hugo, Rails, rustdoc: no date has letters, no word has two digits between them. */
function judgeHex(hex: u32, length: u32, wholeName: bool): u32 {
  let digits: u32 = 0;
  for (let i: u32 = 0; i < length; i++) if (isDigit(load<u8>(hex + i))) digits++;
  if (digits === length || digits === 0) return HASH_NO;
  return digits >= 2 && changesOfClass(hex, length) >= 2 && (!wholeName || length >= 16) ? HASH_SURE : HASH_PERHAPS;
}

function judgeToken(token: u32): u32 {
  let lower: u32 = 0;
  let upper: u32 = 0;
  let digits: u32 = 0;
  let base32: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const byte = load<u8>(token + i);
    if (!isLetter(byte) && !isDigit(byte) && byte !== DASH && byte !== UNDERSCORE) return HASH_NO;
    if (isLower(byte)) lower++;
    if (isUpper(byte)) upper++;
    if (isDigit(byte)) digits++;
    if (isUpper(byte) || (byte >= 0x32 && byte <= 0x37)) base32++;
  }
  const changes = changesOfClass(token, 8);
  if (changes >= 4 || (changes >= 2 && base32 === 8)) return HASH_SURE;
  if (lower === 8 || digits === 8 || (lower === 7 && isUpper(load<u8>(token)))) return HASH_NO;
  return HASH_PERHAPS;
}

/** How often upper case, lower case, digits and the rest follow each other: often in a hash, seldom in a word. */
function changesOfClass(token: u32, length: u32): u32 {
  let changes: u32 = 0;
  for (let i: u32 = 1; i < length; i++) {
    if (characterClass(load<u8>(token + i)) !== characterClass(load<u8>(token + i - 1))) changes++;
  }
  return changes;
}

function characterClass(byte: u8): u32 {
  if (isLower(byte)) return 0;
  if (isUpper(byte)) return 1;
  return isDigit(byte) ? 2 : 3;
}
