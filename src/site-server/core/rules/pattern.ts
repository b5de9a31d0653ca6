import { CAPTURES_MOST, PATTERN_LITERAL, PATTERN_NAME, PATTERN_OPEN, PATTERN_SPLAT, PATTERN_TAIL } from "./format";

const SLASH: u8 = 0x2f;

/** CAPTURES_MOST x (u32 address, u32 length): what the pattern that matched last, and the parameters of its rule, captured. */
const captures = memory.data(128);

export function setCapture(number: u32, at: u32, length: u32): void {
  const capture = captures + (number % CAPTURES_MOST) * 8;
  store<u32>(capture, at);
  store<u32>(capture, length, 4);
}

export function captureAt(number: u32): u32 {
  return load<u32>(captures + (number % CAPTURES_MOST) * 8);
}

export function captureLength(number: u32): u32 {
  return load<u32>(captures + (number % CAPTURES_MOST) * 8, 4);
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hashBytes(at: u32, length: u32): u32 {
  let hash: u32 = 0x811c9dc5;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(at + i)) * 0x01000193;
  return hash;
}

/** The length of a path without the slash at its end: patterns that do not end in `*` stand for both. */
export function withoutSlash(path: u32, length: u32): u32 {
  return length > 0 && load<u8>(path + length - 1) === SLASH ? length - 1 : length;
}

/**
 * Whether a path matches a pattern; what placeholders and splats stand for is then in the captures.
 *
 * A token's match is determined by where it begins, and ends the later the later it begins. So after a splat only the first place counts at which
 * the tokens up to the next splat match, and the work is bounded by the path's length times the pattern's.
 *
 * @param pattern its PATTERN_OPEN byte, followed by the tokens
 * @param path decoded, without its leading slash
 */
export function matchPattern(pattern: u32, patternLength: u32, path: u32, pathLength: u32): bool {
  const end = pattern + patternLength;
  const length = load<u8>(pattern) & PATTERN_OPEN ? pathLength : withoutSlash(path, pathLength);
  let at = pattern + 1;
  let position: u32 = 0;
  // The tokens behind the last splat, where they were tried last, where the splat began, and its capture.
  let behind: u32 = 0;
  let tried: u32 = 0;
  let began: u32 = 0;
  let splat: u32 = 0;
  while (true) {
    if (at === end && position === length) return true;
    let next: u32 = u32.MAX_VALUE;
    if (at < end) {
      const kind = load<u8>(at);
      if (kind === PATTERN_SPLAT) {
        splat = load<u8>(at, 1);
        at += 2;
        if (at === end) {
          setCapture(splat, path + position, length - position);
          return true;
        }
        if (isLastLiteral(at, end)) {
          // It has one place only, whatever the splats before it stand for.
          const bytes = <u32>load<u16>(at, 1);
          if (bytes > length - position || memory.compare(at + 3, path + length - bytes, bytes) !== 0) return false;
          setCapture(splat, path + position, length - bytes - position);
          return true;
        }
        behind = at;
        tried = position;
        began = position;
        setCapture(splat, path + position, 0);
        continue;
      }
      next = matchToken(kind, at, path, position, length);
      if (next !== u32.MAX_VALUE) {
        at += tokenLength(kind, at);
        position = next;
        continue;
      }
    }
    if (behind === 0 || tried === length) return false;
    tried++;
    setCapture(splat, path + began, tried - began);
    at = behind;
    position = tried;
  }
}

function isLastLiteral(at: u32, end: u32): bool {
  return load<u8>(at) === PATTERN_LITERAL && at + 3 + load<u16>(at, 1) === end;
}

/** Where a token that begins at a position ends, or u32.MAX_VALUE if it does not match there. */
function matchToken(kind: u8, at: u32, path: u32, position: u32, length: u32): u32 {
  if (kind === PATTERN_LITERAL) {
    const bytes = <u32>load<u16>(at, 1);
    const fits = bytes <= length - position && memory.compare(at + 3, path + position, bytes) === 0;
    return fits ? position + bytes : u32.MAX_VALUE;
  }
  if (kind === PATTERN_NAME) {
    let stop = position;
    while (stop < length && load<u8>(path + stop) !== SLASH) stop++;
    const suffix = <u32>load<u16>(at, 2);
    if (stop - position <= suffix || memory.compare(at + 4, path + stop - suffix, suffix) !== 0) return u32.MAX_VALUE;
    setCapture(load<u8>(at, 1), path + position, stop - position - suffix);
    return stop;
  }
  if (position < length && load<u8>(path + position) !== SLASH) return u32.MAX_VALUE;
  const from = position < length ? position + 1 : position;
  setCapture(load<u8>(at, 1), path + from, length - from);
  return length;
}

/** The bytes of a token of a pattern. */
export function tokenLength(kind: u8, at: u32): u32 {
  if (kind === PATTERN_LITERAL) return 3 + <u32>load<u16>(at, 1);
  return kind === PATTERN_NAME ? 4 + <u32>load<u16>(at, 2) : 2;
}
