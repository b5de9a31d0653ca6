import { hashBytes } from "../rules/pattern";
import { FILE_TAG_LENGTH, FORM_AT_BYTES, FORM_AT_OFFSET, FORM_AT_SOURCE, FORM_IDENTITY, FORM_SIZE } from "../layout";
import { ensure, take, top } from "./arena";
import { SLASH } from "./ascii";
import { HASH_NO, HASH_SURE, hashNamed } from "./hash-named";
import { typeOf } from "./media-types";

/** What is known of a file until the index is finished. The path lies behind it, where the host has written it. u32 the next entry. */
export const ENTRY_NEXT: u32 = 0;
/** u32: FNV-1a of the path */
export const ENTRY_HASH: u32 = 4;
/** u32: seconds since 1970 */
export const ENTRY_MODIFIED: u32 = 8;
/** u32 */
export const ENTRY_NUMBER: u32 = 12;
/** u16 */
export const ENTRY_PATH_LENGTH: u32 = 16;
/** u8: which forms there are */
export const ENTRY_FORMS: u32 = 18;
/** u8: the number of the media type */
export const ENTRY_TYPE: u32 = 20;
/** u8: ENTRY_KEPT, ENTRY_IMMUTABLE, and which URLs but its own lead to it: see urls.ts */
export const ENTRY_FLAGS: u32 = 21;
/** FILE_TAG_LENGTH bytes */
export const ENTRY_TAG: u32 = 22;
/** u16 x 4: numbers of head templates: of the file for other paths, of its own path, and of the two other URLs that may lead to it */
export const ENTRY_HEADS: u32 = 44;
/** u32: the last of its forms: u32 the one before it, u32 FORM_*, and a record of FORM_SIZE bytes */
const ENTRY_FORM: u32 = 52;
export const ENTRY_SIZE: u32 = 56;
const FORM_RECORD: u32 = 8;

export const ENTRY_KEPT: u8 = 1;
export const ENTRY_IMMUTABLE: u8 = 2;

export let firstEntry: u32 = 0;
export let entryCount: u32 = 0;
export let formCount: u32 = 0;
/** Bytes of all paths. */
export let pathBytes: u32 = 0;
let lastEntry: u32 = 0;

/** An open-addressing hash table (linear probing) of the entries by their paths; at most three quarters full. */
let slots: u32 = 0;
let slotCount: u32 = 0;

/** Makes an entry of a path that lies ENTRY_SIZE bytes behind `top`. Returns it; 0 if the path is there already, u32.MAX_VALUE if there is no memory. */
export function addEntry(pathLength: u32): u32 {
  if (!makeRoom()) return u32.MAX_VALUE;
  const path = top + ENTRY_SIZE;
  const hash = hashBytes(path, pathLength);
  const slot = findSlot(hash, path, pathLength, 0, 0);
  if (load<u32>(slot) !== 0) return 0;
  const entry = take(ENTRY_SIZE + pathLength);
  store<u32>(slot, entry);
  for (let i: u32 = 0; i < ENTRY_SIZE; i += 8) store<u64>(entry + i, 0);
  store<u32>(entry + ENTRY_HASH, hash);
  store<u32>(entry + ENTRY_NUMBER, entryCount);
  store<u16>(entry + ENTRY_PATH_LENGTH, <u16>pathLength);
  judgeName(entry, path, path + pathLength);
  if (firstEntry === 0) firstEntry = entry;
  else store<u32>(lastEntry + ENTRY_NEXT, entry);
  lastEntry = entry;
  entryCount++;
  pathBytes += pathLength;
  return entry;
}

function judgeName(entry: u32, path: u32, end: u32): void {
  let name = end;
  while (name > path && load<u8>(name - 1) !== SLASH) name--;
  store<u8>(entry + ENTRY_TYPE, <u8>typeOf(name, end));
  const named = hashNamed(path, name, end);
  if (named === HASH_NO) return;
  store<u8>(entry + ENTRY_FLAGS, named === HASH_SURE ? ENTRY_KEPT | ENTRY_IMMUTABLE : ENTRY_KEPT);
}

/** Adds a form to the entry that was added last; one that it has already is passed over. */
export function addForm(form: u8, bytes: f64, source: u32, offset: f64): void {
  if (lastEntry === 0) return;
  const forms = load<u8>(lastEntry + ENTRY_FORMS);
  if (forms & form || !ensure(FORM_RECORD + FORM_SIZE)) return;
  const record = take(FORM_RECORD + FORM_SIZE);
  store<u32>(record, load<u32>(lastEntry + ENTRY_FORM));
  store<u32>(record, form, 4);
  store<f64>(record + FORM_RECORD, offset, FORM_AT_OFFSET);
  store<f64>(record + FORM_RECORD, bytes, FORM_AT_BYTES);
  store<u32>(record + FORM_RECORD, source, FORM_AT_SOURCE);
  store<u32>(lastEntry + ENTRY_FORM, record);
  store<u8>(lastEntry + ENTRY_FORMS, forms | form);
  formCount++;
}

/** The entry whose path is these two texts together, or 0. */
export function findEntry(a: u32, aLength: u32, b: u32, bLength: u32): u32 {
  if (slotCount === 0) return 0;
  let hash = hashBytes(a, aLength);
  for (let i: u32 = 0; i < bLength; i++) hash = (hash ^ load<u8>(b + i)) * 0x01000193;
  return load<u32>(findSlot(hash, a, aLength, b, bLength));
}

/** The slot of a path, or the empty one where it would be. */
function findSlot(hash: u32, a: u32, aLength: u32, b: u32, bLength: u32): u32 {
  const mask = slotCount - 1;
  let i = hash & mask;
  while (true) {
    const entry = load<u32>(slots + i * 4);
    if (entry === 0) return slots + i * 4;
    if (load<u32>(entry + ENTRY_HASH) === hash && isPath(entry, a, aLength, b, bLength)) return slots + i * 4;
    i = (i + 1) & mask;
  }
}

function isPath(entry: u32, a: u32, aLength: u32, b: u32, bLength: u32): bool {
  if (<u32>load<u16>(entry + ENTRY_PATH_LENGTH) !== aLength + bLength) return false;
  const path = entry + ENTRY_SIZE;
  return memory.compare(path, a, aLength) === 0 && memory.compare(path + aLength, b, bLength) === 0;
}

/** Makes the table large enough for one entry more. The path that the host has written behind `top` is moved along. */
function makeRoom(): bool {
  if ((entryCount + 1) * 4 <= slotCount * 3) return true;
  const count = max<u32>(64, slotCount * 2);
  const room = <u32>0x10000 + ENTRY_SIZE + FILE_TAG_LENGTH;
  if (!ensure(count * 4 + room)) return false;
  const former = top;
  slots = take(count * 4);
  memory.copy(top, former, room);
  slotCount = count;
  memory.fill(slots, 0, count * 4);
  for (let entry = firstEntry; entry !== 0; entry = load<u32>(entry + ENTRY_NEXT)) {
    let i = load<u32>(entry + ENTRY_HASH) & (count - 1);
    while (load<u32>(slots + i * 4) !== 0) i = (i + 1) & (count - 1);
    store<u32>(slots + i * 4, entry);
  }
  return true;
}

/** The record of a form of an entry, which it has. */
export function formOf(entry: u32, form: u32): u32 {
  let record = load<u32>(entry + ENTRY_FORM);
  while (load<u32>(record, 4) !== form) record = load<u32>(record);
  return record + FORM_RECORD;
}

/** Whether an entry has other forms than the file as it is. */
export function hasForms(entry: u32): bool {
  return load<u8>(entry + ENTRY_FORMS) !== FORM_IDENTITY;
}
