import { REQUEST_AT_METHOD_LENGTH, REQUEST_AT_METHOD_NAME } from "../layout";
import { PATH, REQUEST } from "./buffers";
import { copy, equalsIgnoringCase } from "./bytes";
import { isHost } from "./host-field";
import { READ, refuse } from "./outcome";
import { setTarget } from "./request-record";

/** The authority of a target in absolute form, which stands above `Host`; address 0 of others. */
export let authority: u32 = 0;
export let authorityLength: u32 = 0;

/** "CONNECT" and "OPTIONS", read backwards. */
const CONNECT: u64 = 0x5443454e4e4f43;
const OPTIONS: u64 = 0x534e4f4954504f;

/**
 * Tells the four forms of a target apart (RFC 9112, section 3.2) and records it in origin form.
 *
 * The authority form is for CONNECT alone, a method that is not implemented here: 501 (RFC 9110, section 9.1). 405 is for a method that is, and that the
 * target does not allow.
 */
export function setTargetForm(at: u32, length: u32): i32 {
  authority = 0;
  if (methodIs(CONNECT, 7)) return refuse(501);
  if (load<u8>(at) === 0x2f || (length === 1 && load<u8>(at) === 0x2a && methodIs(OPTIONS, 7))) {
    setTarget(at, length);
    return READ;
  }
  const end = at + length;
  const start = at + schemeLength(at, length);
  if (start === at) return refuse(400);
  let i = start;
  while (i < end && !endsAuthority(load<u8>(i))) i++;
  // A host must be there in an http or https URI (RFC 9110, section 4.2.1).
  if (i === start || !isHost(start, i - start)) return refuse(400);
  authority = start;
  authorityLength = i - start;
  if (i < end && load<u8>(i) === 0x2f) setTarget(i, end - i);
  else setPathless(i, end - i);
  return READ;
}

/** How many bytes `http://` or `https://` have that a target begins with; 0 if it does not. */
function schemeLength(at: u32, length: u32): u32 {
  if (length > 7 && equalsIgnoringCase(at, 7, "http://")) return 7;
  return length > 8 && equalsIgnoringCase(at, 8, "https://") ? 8 : 0;
}

function endsAuthority(byte: u8): bool {
  return byte === 0x2f || byte === 0x3f || byte === 0x23;
}

/** An absolute form without a path means the root (RFC 9110, section 4.2.3). */
function setPathless(query: u32, length: u32): void {
  store<u8>(PATH, 0x2f);
  copy(PATH + 1, query, length);
  setTarget(PATH, length + 1);
}

/** Whether the method is the one of this name, read backwards as a word; of up to 8 bytes. */
function methodIs(word: u64, length: u32): bool {
  if (load<u32>(REQUEST + REQUEST_AT_METHOD_LENGTH) !== length) return false;
  let name: u64 = 0;
  const at = load<u32>(REQUEST + REQUEST_AT_METHOD_NAME);
  for (let i = length; i > 0; i--) name = (name << 8) | load<u8>(at + i - 1);
  return name === word;
}
