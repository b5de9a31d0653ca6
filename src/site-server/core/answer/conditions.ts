import {
  FIELD_IF_MODIFIED_SINCE,
  FIELD_IF_NONE_MATCH,
  FIELD_IF_RANGE,
  REQUEST_AT_FIELD_COUNT,
  REQUEST_AT_FIELDS,
  REQUEST_FIELD_SIZE,
} from "../layout";
import { REQUEST } from "./buffers";
import { equal } from "./bytes";
import { DATE_BYTES } from "./http-date";
import { isField } from "./known-fields";
import { isRepeated, knownLength, knownValue } from "./request-record";

/**
 * Whether the client has the file already (RFC 9110, section 13.2.2): `If-None-Match` decides alone when it is there.
 *
 * `If-Modified-Since` must be the very date that was sent. "Not newer" would be wrong here: after a rollback the file that serves is older than the one
 * the client has, and still another.
 *
 * @param tag the address of the entity tag that would be sent, with its quotes
 * @param modified the address of the text of `Last-Modified`, or 0 if none is sent
 */
export function isUnmodified(tag: u32, tagLength: u32, modified: u32): bool {
  if (knownValue(FIELD_IF_NONE_MATCH) !== 0) {
    return isRepeated(FIELD_IF_NONE_MATCH) ? anyMatches(tag, tagLength) : matches(tag, tagLength);
  }
  const since = knownValue(FIELD_IF_MODIFIED_SINCE);
  return since !== 0 && isDate(since, knownLength(FIELD_IF_MODIFIED_SINCE), modified);
}

/** Whether a range may be sent: there is no `If-Range`, or it names exactly this form (RFC 9110, section 13.1.5). */
export function rangeApplies(tag: u32, tagLength: u32, modified: u32): bool {
  const value = knownValue(FIELD_IF_RANGE);
  if (value === 0) return true;
  const length = knownLength(FIELD_IF_RANGE);
  if (isRepeated(FIELD_IF_RANGE) || length === 0) return false;
  if (load<u8>(value) === 0x22) return length === tagLength && equal(value, tag, length);
  return isDate(value, length, modified);
}

function isDate(value: u32, length: u32, modified: u32): bool {
  return modified !== 0 && length === DATE_BYTES && equal(value, modified, DATE_BYTES);
}

function matches(tag: u32, tagLength: u32): bool {
  const value = knownValue(FIELD_IF_NONE_MATCH);
  const length = knownLength(FIELD_IF_NONE_MATCH);
  if (length === 1 && load<u8>(value) === 0x2a) return true;
  return listHas(value, value + length, tag, tagLength);
}

/** Several fields are one list. */
function anyMatches(tag: u32, tagLength: u32): bool {
  const count = <u32>load<u8>(REQUEST + REQUEST_AT_FIELD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const at = REQUEST + REQUEST_AT_FIELDS + i * REQUEST_FIELD_SIZE;
    const value = load<u32>(at, 8);
    if (isField(at, FIELD_IF_NONE_MATCH) && listHas(value, value + load<u32>(at, 12), tag, tagLength)) return true;
  }
  return false;
}

/** Weak comparison against a list of entity tags. Tags may hold commas, so the list is read from quote to quote. */
function listHas(at: u32, end: u32, tag: u32, tagLength: u32): bool {
  let from = at;
  while (from < end) {
    if (load<u8>(from) !== 0x22) {
      from++;
      continue;
    }
    let close = from + 1;
    while (close < end && load<u8>(close) !== 0x22) close++;
    if (close === end) return false;
    if (close + 1 - from === tagLength && equal(from, tag, tagLength)) return true;
    from = close + 1;
  }
  return false;
}
