import { answerError } from "./answer-error";
import { copy } from "./bytes";
import { IN_LOCATION, isIn } from "./characters";
import { endHead, nextByte, startHead, takeWritten, writeLines, writePlainTemplate, writeTemplate } from "./head";
import { pathAt, pathLength, queryAt, queryLength } from "./target-path";

/**
 * Redirects to the path of the request with a slash behind it, the query kept. The path is encoded afresh, so that nothing in it has a meaning in the
 * `Location` but its slashes.
 *
 * @param head the address of the record of the head template
 * @param flags RESPOND_*
 */
export function redirectToFolder(site: u32, head: u32, flags: u32): void {
  // `//host/` would lead to another host. No site has such a folder, but an index might say so.
  if (pathLength === 0 || load<u8>(pathAt) === 0x2f) return answerError(site, 404, flags);
  startHead(301, flags);
  writeTemplate(site, head, false);
  writeLines("Content-Length: 0\r\nLocation: /");
  let to = encodePath(nextByte());
  store<u8>(to++, 0x2f);
  if (queryAt !== 0) {
    store<u8>(to++, 0x3f);
    to = copy(to, queryAt, queryLength);
  }
  takeWritten(to);
  writeLines("\r\n");
  endHead();
}

function encodePath(at: u32): u32 {
  let to = at;
  for (let i: u32 = 0; i < pathLength; i++) {
    const byte = load<u8>(pathAt + i);
    if (isIn(byte, IN_LOCATION)) {
      store<u8>(to++, byte);
    } else {
      store<u8>(to, 0x25);
      store<u8>(to + 1, hexDigit(byte >> 4));
      store<u8>(to + 2, hexDigit(byte & 15));
      to += 3;
    }
  }
  return to;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

/**
 * Redirects to a text, as a rule of the site says.
 *
 * @param location the address of the value of `Location`
 * @param flags RESPOND_*
 */
export function redirectTo(site: u32, status: u32, location: u32, length: u32, flags: u32): void {
  startHead(status, flags);
  writePlainTemplate(site, false);
  writeLines("Content-Length: 0\r\nLocation: ");
  takeWritten(copy(nextByte(), location, length));
  writeLines("\r\n");
  endHead();
}
