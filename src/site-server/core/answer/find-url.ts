import { SITE_AT_SLOTS, SITE_AT_URLS, URL_AT_PATH, URL_AT_PATH_LENGTH, URL_SIZE } from "../layout";
import { equal } from "./bytes";
import { HASH_START, hashOf } from "./target-path";

/**
 * Looks a path up.
 *
 * @param site a checked site index
 * @param path the percent-decoded path without its leading slash
 * @param hash its FNV-1a
 * @returns the address of its URL record, or 0
 */
export function findUrl(site: u32, path: u32, length: u32, hash: u32): u32 {
  const count = load<u32>(site + SITE_AT_SLOTS);
  if (count === 0) return 0;
  const slots = site + load<u32>(site + SITE_AT_SLOTS + 4);
  const urls = site + load<u32>(site + SITE_AT_URLS + 4) - URL_SIZE;
  const mask = count - 1;
  let slot = hash & mask;
  while (true) {
    const number = load<u32>(slots + (slot << 2));
    if (number === 0) return 0;
    const url = urls + number * URL_SIZE;
    if (
      <u32>load<u16>(url + URL_AT_PATH_LENGTH) === length &&
      equal(site + load<u32>(url + URL_AT_PATH), path, length)
    ) {
      return url;
    }
    slot = (slot + 1) & mask;
  }
}

/** The FNV-1a of a path. */
export function hashPath(path: u32, length: u32): u32 {
  let hash = HASH_START;
  for (let i: u32 = 0; i < length; i++) hash = hashOf(hash, load<u8>(path + i));
  return hash;
}
