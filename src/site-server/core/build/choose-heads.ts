import { OPTION_INDEX } from "../layout";
import {
  ENTRY_FLAGS,
  ENTRY_HEADS,
  ENTRY_IMMUTABLE,
  ENTRY_NEXT,
  ENTRY_PATH_LENGTH,
  ENTRY_SIZE,
  ENTRY_TYPE,
  firstEntry,
  hasForms,
} from "./entries";
import { HEAD_NUMBER, headFor, plainHead } from "./heads";
import { shrinks, TYPE_HTML } from "./media-types";
import { optionLength } from "./options";
import { ENTRY_BARE, ENTRY_CLEAN, ENTRY_FOLDER } from "./urls";

/** Chooses the head templates of each file, for other paths, and of each URL that leads to it. Returns whether there was memory for them. */
export function chooseHeads(): bool {
  if (plainPageHead() === 0) return false;
  for (let entry = firstEntry; entry !== 0; entry = load<u32>(entry + ENTRY_NEXT)) {
    if (!chooseHeadsOf(entry)) return false;
  }
  return true;
}

/** The template of answers that are no file of the site. */
export function plainPageHead(): u32 {
  return plainHead(TYPE_HTML, false, false);
}

function chooseHeadsOf(entry: u32): bool {
  const type = <u32>load<u8>(entry + ENTRY_TYPE);
  const flags = load<u8>(entry + ENTRY_FLAGS);
  const length = <u32>load<u16>(entry + ENTRY_PATH_LENGTH);
  // Other encodings may be made later of what shrinks: caches are told from the beginning.
  const varies = shrinks(type) || hasForms(entry);
  const plain = plainHead(type, false, varies);
  const own = plainHead(type, (flags & ENTRY_IMMUTABLE) !== 0, varies);
  if (plain === 0 || own === 0) return false;
  store<u16>(entry + ENTRY_HEADS, load<u16>(plain + HEAD_NUMBER));
  if (!choose(entry, 1, own, length)) return false;
  if (flags & ENTRY_CLEAN) return choose(entry, 2, plain, length - 5);
  if ((flags & ENTRY_FOLDER) === 0) return true;
  const folder = length - optionLength(OPTION_INDEX);
  if (!choose(entry, 2, plain, folder)) return false;
  return (flags & ENTRY_BARE) === 0 || choose(entry, 3, plainPageHead(), folder - 1);
}

/** @param index which of ENTRY_HEADS. @param length of the part of the file's path that is the URL's */
function choose(entry: u32, index: u32, head: u32, length: u32): bool {
  const found = headFor(head, entry + ENTRY_SIZE, length);
  if (found === 0) return false;
  store<u16>(entry + ENTRY_HEADS + index * 2, load<u16>(found + HEAD_NUMBER));
  return true;
}
