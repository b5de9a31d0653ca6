import {
  FIELD_KNOWN_COUNT,
  FIELD_LIMIT,
  REQUEST_AT_FIELD_COUNT,
  REQUEST_AT_FIELDS,
  REQUEST_AT_FLAGS,
  REQUEST_AT_KNOWN,
  REQUEST_AT_REPEATED,
  REQUEST_AT_TARGET,
  REQUEST_AT_TARGET_LENGTH,
  REQUEST_FIELD_SIZE,
} from "../layout";
import { REQUEST } from "./buffers";

/** Forgets the request that was there. The table of fields is left: its count says how much of it counts. */
export function clearRequest(): void {
  for (let i: u32 = 0; i < <u32>REQUEST_AT_KNOWN + FIELD_KNOWN_COUNT * 8; i += 8) store<u64>(REQUEST + i, 0);
}

export function setTarget(at: u32, length: u32): void {
  store<u32>(REQUEST + REQUEST_AT_TARGET, at);
  store<u32>(REQUEST + REQUEST_AT_TARGET_LENGTH, length);
}

export function addFlags(flags: u8): void {
  store<u8>(REQUEST + REQUEST_AT_FLAGS, load<u8>(REQUEST + REQUEST_AT_FLAGS) | flags);
}

/** Whether the request has one of the flags. */
export function hasFlag(flags: u8): bool {
  return (load<u8>(REQUEST + REQUEST_AT_FLAGS) & flags) !== 0;
}

/** Appends to the table of fields. False if it is full. */
export function addField(name: u32, nameLength: u32, value: u32, valueLength: u32): bool {
  const count = load<u8>(REQUEST + REQUEST_AT_FIELD_COUNT);
  if (count === FIELD_LIMIT) return false;
  const at = REQUEST + REQUEST_AT_FIELDS + <u32>count * REQUEST_FIELD_SIZE;
  store<u32>(at, name);
  store<u32>(at, nameLength, 4);
  store<u32>(at, value, 8);
  store<u32>(at, valueLength, 12);
  store<u8>(REQUEST + REQUEST_AT_FIELD_COUNT, count + 1);
  return true;
}

/** Sets a known field, or marks it as repeated if it is there already; returns whether it was not. */
export function setKnown(field: u32, at: u32, length: u32): bool {
  const slot = REQUEST + REQUEST_AT_KNOWN + field * 8;
  if (load<u32>(slot) !== 0) {
    store<u32>(REQUEST + REQUEST_AT_REPEATED, load<u32>(REQUEST + REQUEST_AT_REPEATED) | (1 << field));
    return false;
  }
  store<u32>(slot, at);
  store<u32>(slot, length, 4);
  return true;
}

/** The address of a known field's value, 0 if the request has none. */
export function knownValue(field: u32): u32 {
  return load<u32>(REQUEST + REQUEST_AT_KNOWN + field * 8);
}

export function knownLength(field: u32): u32 {
  return load<u32>(REQUEST + REQUEST_AT_KNOWN + 4 + field * 8);
}

export function isRepeated(field: u32): bool {
  return (load<u32>(REQUEST + REQUEST_AT_REPEATED) & (1 << field)) !== 0;
}
