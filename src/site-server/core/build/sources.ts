import { SITE_AT_SOURCES, SOURCE_SIZE } from "../layout";

/** The names, linked: u32 the next, u32 length, u32 address. */
export const SOURCE_RECORD: u32 = 12;

export let sourceCount: u32 = 0;
/** Bytes of all names. */
export let sourceBytes: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;

/** @param record SOURCE_RECORD bytes for us. Returns the number of the source */
export function addSourceName(record: u32, name: u32, length: u32): u32 {
  store<u32>(record, 0);
  store<u32>(record, length, 4);
  store<u32>(record, name, 8);
  if (first === 0) first = record;
  else store<u32>(last, record);
  last = record;
  sourceBytes += length;
  return sourceCount++;
}

/** Writes the records, and the names from a position on. Returns the position behind them. */
export function writeSources(site: u32, text: u32): u32 {
  let record = site + load<u32>(site + SITE_AT_SOURCES + 4);
  for (let source = first; source !== 0; source = load<u32>(source)) {
    const length = load<u32>(source, 4);
    store<u32>(record, text);
    store<u32>(record, length, 4);
    memory.copy(site + text, load<u32>(source, 8), length);
    text += length;
    record += SOURCE_SIZE;
  }
  return text;
}
