import {
  FILE_AT_PATH,
  FILE_SIZE,
  OPTION_INDEX,
  SITE_AT_FILES,
  SITE_AT_SLOTS,
  SITE_AT_URLS,
  URL_AT_FILE,
  URL_AT_FLAGS,
  URL_AT_HEAD,
  URL_AT_KIND,
  URL_AT_PATH,
  URL_AT_PATH_LENGTH,
  URL_FILE,
  URL_FOLDER,
  URL_KEPT,
  URL_SIZE,
} from "../layout";
import { hashBytes } from "../rules/pattern";
import {
  ENTRY_FLAGS,
  ENTRY_HASH,
  ENTRY_HEADS,
  ENTRY_KEPT,
  ENTRY_NEXT,
  ENTRY_NUMBER,
  ENTRY_PATH_LENGTH,
  ENTRY_SIZE,
  firstEntry,
} from "./entries";
import { optionLength } from "./options";
import { ENTRY_BARE, ENTRY_CLEAN, ENTRY_FOLDER } from "./urls";

let site: u32 = 0;
let urlNumber: u32 = 0;

/** Writes the URL records and the table over them; the file records are there already. */
export function writeUrls(into: u32): void {
  site = into;
  urlNumber = 0;
  for (let entry = firstEntry; entry !== 0; entry = load<u32>(entry + ENTRY_NEXT)) {
    const flags = load<u8>(entry + ENTRY_FLAGS);
    const length = <u32>load<u16>(entry + ENTRY_PATH_LENGTH);
    writeUrl(entry, length, load<u32>(entry + ENTRY_HASH), 1, URL_FILE, flags & ENTRY_KEPT ? URL_KEPT : 0);
    if (flags & ENTRY_FOLDER) {
      const folder = length - optionLength(OPTION_INDEX);
      writeUrl(entry, folder, hashBytes(entry + ENTRY_SIZE, folder), 2, URL_FILE, 0);
      if (flags & ENTRY_BARE) {
        writeUrl(entry, folder - 1, hashBytes(entry + ENTRY_SIZE, folder - 1), 3, URL_FOLDER, 0);
      }
    } else if (flags & ENTRY_CLEAN) {
      writeUrl(entry, length - 5, hashBytes(entry + ENTRY_SIZE, length - 5), 2, URL_FILE, 0);
    }
  }
}

/** @param length of the part of the file's path that is the URL's. @param head which of ENTRY_HEADS */
function writeUrl(entry: u32, length: u32, hash: u32, head: u32, kind: u8, flags: u8): void {
  const number = load<u32>(entry + ENTRY_NUMBER);
  const file = site + load<u32>(site + SITE_AT_FILES + 4) + number * FILE_SIZE;
  const url = site + load<u32>(site + SITE_AT_URLS + 4) + urlNumber * URL_SIZE;
  store<u32>(url + URL_AT_PATH, load<u32>(file + FILE_AT_PATH));
  store<u16>(url + URL_AT_PATH_LENGTH, <u16>length);
  store<u8>(url + URL_AT_KIND, kind);
  store<u8>(url + URL_AT_FLAGS, flags);
  store<u32>(url + URL_AT_FILE, number);
  store<u16>(url + URL_AT_HEAD, load<u16>(entry + ENTRY_HEADS + head * 2));
  const slots = site + load<u32>(site + SITE_AT_SLOTS + 4);
  const mask = load<u32>(site + SITE_AT_SLOTS) - 1;
  let slot = hash & mask;
  while (load<u32>(slots + slot * 4) !== 0) slot = (slot + 1) & mask;
  urlNumber++;
  store<u32>(slots + slot * 4, urlNumber);
}
