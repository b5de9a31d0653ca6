import { hexValue } from "./query";

const QUESTION: u8 = 0x3f;
const HASH: u8 = 0x23;

/**
 * Whether a Location that is a path leads to the very request that it answers: the same path, decoded, and the same query. A browser would follow it until it
 * gives up.
 *
 * @param path decoded, without its leading slash
 */
export function leadsToItself(
  location: u32,
  length: u32,
  path: u32,
  pathLength: u32,
  query: u32,
  queryLength: u32,
): bool {
  const end = location + length;
  let at = location + 1;
  let i: u32 = 0;
  while (at < end && load<u8>(at) !== QUESTION && load<u8>(at) !== HASH) {
    let byte = load<u8>(at);
    at++;
    if (byte === 0x25 && end - at >= 2) {
      byte = (hexValue(load<u8>(at)) << 4) | (hexValue(load<u8>(at, 1)) & 15);
      at += 2;
    }
    if (i === pathLength || load<u8>(path + i) !== byte) return false;
    i++;
  }
  if (i !== pathLength) return false;
  if (at < end && load<u8>(at) === QUESTION) at++;
  let stop = at;
  while (stop < end && load<u8>(stop) !== HASH) stop++;
  return stop - at === queryLength && memory.compare(at, query, queryLength) === 0;
}
