import { FIELD_KNOWN_COUNT, REQUEST_AT_METHOD, REQUEST_AT_MINOR, REQUEST_KEEP_ALIVE } from "../layout";
import { REQUEST } from "./buffers";
import { addField, addFlags, clearRequest, setKnown, setTarget } from "./request-record";

/**
 * Begins a request that comes in parts, as of HTTP/2, and forgets the one before.
 *
 * @param method METHOD_*
 */
export function begin(method: u32): void {
  clearRequest();
  store<u8>(REQUEST + REQUEST_AT_METHOD, <u8>method);
  store<u8>(REQUEST + REQUEST_AT_MINOR, 1);
  addFlags(REQUEST_KEEP_ALIVE);
}

/** Sets the target in origin form (`:path`). Whether it is one is found when it is answered. */
export function target(at: u32, length: u32): void {
  setTarget(at, length);
}

/**
 * Adds a field. What is beyond FIELD_LIMIT, or no known field, is left out.
 *
 * @param known FIELD_*
 * @param at the address of its value, with no white space around it
 */
export function field(known: u32, at: u32, length: u32): void {
  if (known < <u32>FIELD_KNOWN_COUNT && addField(0, known, at, length)) setKnown(known, at, length);
}
