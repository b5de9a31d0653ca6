import {
  FIELD_HOST,
  FIELD_LIMIT,
  HEAD_LIMIT,
  REQUEST_AT_FIELD_COUNT,
  REQUEST_AT_KNOWN,
  REQUEST_AT_MINOR,
} from "../layout";
import { REQUEST } from "./buffers";
import { fieldEnd, readField } from "./field-line";
import { finishFraming, startFraming } from "./framing";
import { INCOMPLETE, READ, refuse } from "./outcome";
import { lineEnd, readRequestLine } from "./request-line";
import { clearRequest, knownValue } from "./request-record";
import { authority, authorityLength } from "./target-form";

/**
 * Reads one head of HTTP/1.1 (RFC 9112) into the REQUEST record, whose texts are where they came.
 *
 * Each byte is judged by those before it alone. So what a head is refused for does not depend on how much of it is there, and it is
 * refused as soon as that is certain.
 *
 * @param at the first byte
 * @param end behind the last one that has come
 * @returns how many bytes the head has, the empty line included; 0: it is not whole; or a status, negated: it is to be refused, and then the
 *   connection ends
 */
export function parse(at: u32, end: u32): i32 {
  clearRequest();
  startFraming();
  const limit = end - at > <u32>HEAD_LIMIT ? at + HEAD_LIMIT : end;
  const outcome = readHead(at, limit);
  if (outcome === READ) return headEnd - at;
  return outcome === INCOMPLETE && limit - at === HEAD_LIMIT ? refuse(431) : outcome;
}

let headEnd: u32 = 0;

function readHead(at: u32, end: u32): i32 {
  let line = at;
  // One empty line before a request is forgiven (RFC 9112, section 2.2).
  if (line < end && load<u8>(line) === 0x0d) {
    if (line + 1 === end) return INCOMPLETE;
    if (load<u8>(line + 1) !== 0x0a) return refuse(400);
    line += 2;
  }
  let outcome = readRequestLine(line, end);
  if (outcome !== READ) return outcome;
  line = lineEnd;
  while (line < end && load<u8>(line) !== 0x0d) {
    if (load<u8>(REQUEST + REQUEST_AT_FIELD_COUNT) === FIELD_LIMIT) return refuse(431);
    outcome = readField(line, end);
    if (outcome !== READ) return outcome;
    line = fieldEnd;
  }
  return readEmptyLine(line, end);
}

function readEmptyLine(at: u32, end: u32): i32 {
  if (end - at < 2) return INCOMPLETE;
  if (load<u8>(at + 1) !== 0x0a) return refuse(400);
  headEnd = at + 2;
  if (load<u8>(REQUEST + REQUEST_AT_MINOR) > 0 && knownValue(FIELD_HOST) === 0) return refuse(400);
  if (authority !== 0) {
    store<u32>(REQUEST + REQUEST_AT_KNOWN + FIELD_HOST * 8, authority);
    store<u32>(REQUEST + REQUEST_AT_KNOWN + FIELD_HOST * 8 + 4, authorityLength);
  }
  finishFraming();
  return READ;
}
