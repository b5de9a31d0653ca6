import { copy, equal } from "./bytes";
import { IN_HOST, IS_HEX, isIn } from "./characters";

const PORT_MOST_DIGITS: u32 = 5;

/** The last text that was a host: nearly every client of a server names the same. */
const REMEMBERED_MOST: u32 = 64;
const remembered: u32 = <u32>memory.data(64, 8);
let rememberedLength: u32 = 0;

/**
 * Whether a text is a host and perhaps a port (RFC 9110, section 7.2; RFC 3986, section 3.2.2): no user information, no path, no spaces. An empty
 * one is, in a `Host`: that is how a client says that its target has no authority.
 */
export function isHost(at: u32, length: u32): bool {
  if (length === rememberedLength && equal(at, remembered, length)) return true;
  if (!readHost(at, length)) return false;
  if (length <= REMEMBERED_MOST) {
    copy(remembered, at, length);
    rememberedLength = length;
  }
  return true;
}

function readHost(at: u32, length: u32): bool {
  const end = at + length;
  if (length === 0) return true;
  if (load<u8>(at) === 0x5b) return isLiteral(at + 1, end);
  let i = at;
  while (i < end) {
    while (i < end && isIn(load<u8>(i), IN_HOST)) i++;
    if (i === end || load<u8>(i) !== 0x25) break;
    if (end - i < 3 || !isIn(load<u8>(i + 1), IS_HEX) || !isIn(load<u8>(i + 2), IS_HEX)) return false;
    i += 3;
  }
  return i > at && isPort(i, end);
}

/** An IPv6 address: what may be in one; what it names is not looked at. */
function isLiteral(at: u32, end: u32): bool {
  let i = at;
  while (i < end) {
    const byte = load<u8>(i);
    if (byte === 0x5d) return i > at && isPort(i + 1, end);
    if (byte !== 0x3a && byte !== 0x2e && !isIn(byte, IS_HEX)) return false;
    i++;
  }
  return false;
}

/** Nothing, or a colon and digits. */
function isPort(at: u32, end: u32): bool {
  if (at === end) return true;
  if (load<u8>(at) !== 0x3a || end - at > 1 + PORT_MOST_DIGITS) return false;
  for (let i = at + 1; i < end; i++) {
    if (load<u8>(i) - 0x30 > 9) return false;
  }
  return true;
}
