import { OPTION_INDEX } from "../layout";
import { isSame, isString, SLASH } from "./ascii";
import { ENTRY_FLAGS, ENTRY_NEXT, ENTRY_PATH_LENGTH, ENTRY_SIZE, findEntry, firstEntry } from "./entries";
import { optionAt, optionLength } from "./options";

/** In ENTRY_FLAGS: the file is the index of its folder, and answers for it; the folder's path without its slash is to be redirected; the path without `.html` is answered. */
export const ENTRY_FOLDER: u8 = 4;
export const ENTRY_BARE: u8 = 8;
export const ENTRY_CLEAN: u8 = 16;

/** How many URLs lead to files. */
export let urlCount: u32 = 0;

/** Finds which URLs but its own path lead to each file. A file that has such a path itself wins, and a folder with an index over a file's clean URL. */
export function findUrls(clean: bool): void {
  for (let entry = firstEntry; entry !== 0; entry = load<u32>(entry + ENTRY_NEXT)) {
    const path = entry + ENTRY_SIZE;
    const length = <u32>load<u16>(entry + ENTRY_PATH_LENGTH);
    let flags: u8 = 0;
    urlCount++;
    if (isIndex(path, length)) {
      flags |= ENTRY_FOLDER;
      urlCount++;
      const folder = length - optionLength(OPTION_INDEX);
      if (folder > 1 && findEntry(path, folder - 1, 0, 0) === 0) {
        flags |= ENTRY_BARE;
        urlCount++;
      }
    } else if (clean && hasCleanUrl(path, length)) {
      flags |= ENTRY_CLEAN;
      urlCount++;
    }
    store<u8>(entry + ENTRY_FLAGS, load<u8>(entry + ENTRY_FLAGS) | flags);
  }
}

function isIndex(path: u32, length: u32): bool {
  const index = optionLength(OPTION_INDEX);
  if (index === 0 || length < index || !isSame(path + length - index, index, optionAt(OPTION_INDEX), index))
    return false;
  return length === index || load<u8>(path + length - index - 1) === SLASH;
}

function hasCleanUrl(path: u32, length: u32): bool {
  if (length <= 5 || !isString(path + length - 5, 5, ".html") || load<u8>(path + length - 6) === SLASH) return false;
  return findEntry(path, length - 5, 0, 0) === 0 && findIndexOf(path, length - 5) === 0;
}

/** The file that answers for a folder, or 0. */
export function findIndexOf(folder: u32, length: u32): u32 {
  const index = optionLength(OPTION_INDEX);
  if (index === 0) return 0;
  // Before the name of the index stands a slash: see options.ts.
  const missing: u32 = length === 0 || load<u8>(folder + length - 1) === SLASH ? 0 : 1;
  return findEntry(folder, length, optionAt(OPTION_INDEX) - missing, index + missing);
}
