import { DOT, isString, SLASH } from "./ascii";

const WELL_KNOWN = ".well-known/";

/**
 * Whether visitors may see a file. Hidden files are not for them (`.git`, `.env`), but `.well-known` at the root is (RFC 8615); nor is what tells the server
 * how to serve. A path that is none (empty names, `.`, `..`, a NUL) leads to nothing.
 *
 * @param hidden whether names that begin with a dot are served
 */
export function isServedPath(path: u32, length: u32, hidden: bool): bool {
  if (isString(path, length, "_headers") || isString(path, length, "_redirects")) return false;
  let from: u32 = 0;
  if (length > 12 && isString(path, 12, WELL_KNOWN)) from = 12;
  let start = from;
  for (let i = from; i <= length; i++) {
    if (i < length && load<u8>(path + i) !== SLASH) {
      if (load<u8>(path + i) === 0) return false;
      continue;
    }
    if (!isServedName(path + start, i - start, hidden)) return false;
    start = i + 1;
  }
  return true;
}

function isServedName(name: u32, length: u32, hidden: bool): bool {
  if (length === 0) return false;
  if (load<u8>(name) !== DOT) return true;
  return hidden && length > 1 && !(length === 2 && load<u8>(name, 1) === DOT);
}
