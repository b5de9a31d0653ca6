import {
  FIELD_ACCEPT_ENCODING,
  FIELD_CONNECTION,
  FIELD_HOST,
  FIELD_IF_MODIFIED_SINCE,
  FIELD_IF_NONE_MATCH,
  FIELD_IF_RANGE,
  FIELD_KNOWN_COUNT,
  FIELD_RANGE,
  FIELD_REFERER,
  FIELD_USER_AGENT,
  FIELD_X_FORWARDED_FOR,
} from "../layout";

/** Fields that the parser alone reads: numbers behind those of the layout. */
export const FIELD_CONTENT_LENGTH: i32 = FIELD_KNOWN_COUNT;
export const FIELD_TRANSFER_ENCODING: i32 = FIELD_KNOWN_COUNT + 1;
export const FIELD_EXPECT: i32 = FIELD_KNOWN_COUNT + 2;
export const FIELD_UPGRADE: i32 = FIELD_KNOWN_COUNT + 3;
export const FIELD_UNKNOWN: i32 = -1;

/** Makes capital letters of a word small, and leaves alone whatever else a known name holds. */
const SMALL: u64 = 0x2020202020202020;
const SMALL_HALF: u32 = 0x20202020;

/** The number of a field by its name, a token of `length` bytes, in letters of either case. The words compared are text, read backwards. */
export function knownField(at: u32, length: u32): i32 {
  switch (length) {
    case 4:
      return half(at) === 0x74736f68 ? FIELD_HOST : FIELD_UNKNOWN; // host
    case 5:
      return half(at) === 0x676e6172 && (load<u8>(at + 4) | 0x20) === 0x65 ? FIELD_RANGE : FIELD_UNKNOWN; // rang e
    case 6:
      return half(at) === 0x65707865 && half(at + 2) === 0x74636570 ? FIELD_EXPECT : FIELD_UNKNOWN; // expe pect
    case 7:
      return sevenBytes(at);
    case 8:
      return word(at) === 0x65676e61722d6669 ? FIELD_IF_RANGE : FIELD_UNKNOWN; // if-range
    case 10:
      return tenBytes(at);
    case 13: // if-none- ne-match
      return word(at) === 0x2d656e6f6e2d6669 && word(at + 5) === 0x686374616d2d656e
        ? FIELD_IF_NONE_MATCH
        : FIELD_UNKNOWN;
    case 14: // content- t-length
      return word(at) === 0x2d746e65746e6f63 && word(at + 6) === 0x6874676e656c2d74
        ? FIELD_CONTENT_LENGTH
        : FIELD_UNKNOWN;
    case 15:
      return fifteenBytes(at);
    case 17:
      return seventeenBytes(at);
    default:
      return FIELD_UNKNOWN;
  }
}

function sevenBytes(at: u32): i32 {
  const first = half(at);
  const last = half(at + 3);
  if (first === 0x65666572 && last === 0x72657265) return FIELD_REFERER; // refe erer
  return first === 0x72677075 && last === 0x65646172 ? FIELD_UPGRADE : FIELD_UNKNOWN; // upgr rade
}

function tenBytes(at: u32): i32 {
  const first = word(at);
  const last = word(at + 2);
  if (first === 0x6567612d72657375 && last === 0x746e6567612d7265) return FIELD_USER_AGENT; // user-age er-agent
  return first === 0x697463656e6e6f63 && last === 0x6e6f697463656e6e ? FIELD_CONNECTION : FIELD_UNKNOWN; // connecti nnection
}

function fifteenBytes(at: u32): i32 {
  const first = word(at);
  const last = word(at + 7);
  if (first === 0x652d747065636361 && last === 0x676e69646f636e65) return FIELD_ACCEPT_ENCODING; // accept-e encoding
  return first === 0x726177726f662d78 && last === 0x726f662d64656472
    ? FIELD_X_FORWARDED_FOR // x-forwar rded-for
    : FIELD_UNKNOWN;
}

function seventeenBytes(at: u32): i32 {
  const first = word(at);
  const middle = word(at + 8);
  const last = load<u8>(at + 16) | 0x20;
  if (first === 0x6669646f6d2d6669 && middle === 0x636e69732d646569 && last === 0x65) return FIELD_IF_MODIFIED_SINCE; // if-modif ied-sinc e
  return first === 0x726566736e617274 && middle === 0x6e69646f636e652d && last === 0x67
    ? FIELD_TRANSFER_ENCODING // transfer -encodin g
    : FIELD_UNKNOWN;
}

function word(at: u32): u64 {
  return load<u64>(at) | SMALL;
}

function half(at: u32): u32 {
  return load<u32>(at) | SMALL_HALF;
}

/** Whether an entry of the request's table of fields is of this known field. */
export function isField(entry: u32, field: i32): bool {
  const name = load<u32>(entry);
  const length = load<u32>(entry, 4);
  return name === 0 ? length === <u32>field : knownField(name, length) === field;
}
