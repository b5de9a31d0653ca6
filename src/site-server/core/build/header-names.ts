import { HEAD_MOST_BYTES } from "../layout";
import { NAMES_MOST, NAMES_OWN } from "../rules/format";
import { isSameName, NO_WORD, wordIn } from "./ascii";

/** All fields that `_headers` may give to one answer have at most so many bytes: the server's own must have room too. */
const FIELDS_MOST: u32 = HEAD_MOST_BYTES - 1024;

/** The names with numbers of their own, in the order of NAME_*. */
const OWN = "cache-control vary content-type x-content-type-options";

/** NAMES_MOST x (u32 address, u32 length, u32 the most bytes that a line of this name has) */
const names = memory.data(768);
let count: u32 = NAMES_OWN;
let total: u32 = 0;

/** The number of a name, whatever the case of its letters; NAMES_MOST if there are too many already. */
export function numberOfName(name: u32, length: u32): u32 {
  const own = wordIn(name, length, OWN);
  if (own !== NO_WORD) return own;
  for (let i = NAMES_OWN; i < count; i++) {
    if (isSameName(load<u32>(names + i * 12), load<u32>(names + i * 12, 4), name, length)) return i;
  }
  if (count === NAMES_MOST) return NAMES_MOST;
  store<u32>(names + count * 12, name);
  store<u32>(names + count * 12, length, 4);
  return count++;
}

/** Reckons with a line of so many bytes of a name. Returns whether all names together still fit into one head. */
export function reckonLine(number: u32, bytes: u32): bool {
  const before = load<u32>(names + number * 12, 8);
  if (bytes <= before) return true;
  if (total - before + bytes > FIELDS_MOST) return false;
  total += bytes - before;
  store<u32>(names + number * 12, bytes, 8);
  return true;
}
