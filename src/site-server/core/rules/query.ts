const AMPERSAND: u8 = 0x26;
const EQUALS: u8 = 0x3d;
const PLUS: u8 = 0x2b;
const PERCENT: u8 = 0x25;
const SPACE: u8 = 0x20;

/** The values that were taken, decoded: a query is no longer than TARGET_LIMIT, but a rule may take a value several times. */
const ROOM: u32 = 16384;
const room = memory.data(16384);
let used: u32 = 0;

/** The value that `findParameter` found, as it came. */
let valueAt: u32 = 0;
let valueEnd: u32 = 0;
/** The bytes of the value that `takeParameter` took. */
export let parameterLength: u32 = 0;

/** Set by `decodeNext`: the byte that it read. */
let decoded: u8 = 0;

/** Lets go of all values that were taken. */
export function startParameters(): void {
  used = 0;
}

/**
 * Looks for the first parameter of a name in a query (`a=1&b=2`, application/x-www-form-urlencoded).
 *
 * @param name decoded
 */
export function findParameter(query: u32, queryLength: u32, name: u32, nameLength: u32): bool {
  const end = query + queryLength;
  let at = query;
  while (at < end) {
    let stop = at;
    while (stop < end && load<u8>(stop) !== AMPERSAND) stop++;
    let equals = at;
    while (equals < stop && load<u8>(equals) !== EQUALS) equals++;
    if (isDecoded(at, equals, name, nameLength)) {
      valueAt = equals < stop ? equals + 1 : stop;
      valueEnd = stop;
      return true;
    }
    at = stop + 1;
  }
  return false;
}

/** Whether the value that was found is, decoded, a text. */
export function parameterIs(text: u32, length: u32): bool {
  return isDecoded(valueAt, valueEnd, text, length);
}

/** Decodes the value that was found; returns its address, or 0 if it is empty or there is no room for it. Its length is `parameterLength`. */
export function takeParameter(): u32 {
  const start = <u32>room + used;
  if (valueEnd === valueAt || valueEnd - valueAt > ROOM - used) return 0;
  let to = start;
  for (let at = valueAt; at < valueEnd; to++) {
    at = decodeNext(at, valueEnd);
    store<u8>(to, decoded);
  }
  parameterLength = to - start;
  used += parameterLength;
  return start;
}

function isDecoded(at: u32, end: u32, text: u32, length: u32): bool {
  let i: u32 = 0;
  for (; at < end; i++) {
    if (i === length) return false;
    at = decodeNext(at, end);
    if (load<u8>(text + i) !== decoded) return false;
  }
  return i === length;
}

/** Reads one byte; what is no escape stands for itself. Returns where the next begins. */
function decodeNext(at: u32, end: u32): u32 {
  decoded = load<u8>(at);
  if (decoded === PLUS) decoded = SPACE;
  if (decoded !== PERCENT || end - at < 3) return at + 1;
  const high = hexValue(load<u8>(at, 1));
  const low = hexValue(load<u8>(at, 2));
  if (high > 15 || low > 15) return at + 1;
  decoded = (high << 4) | low;
  return at + 3;
}

/** The value of a hexadecimal digit, or 255. */
export function hexValue(byte: u8): u8 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 255;
}
