import {
  HEAD_AT_COMMON,
  HEAD_AT_CONTENT,
  HEAD_AT_TEXT,
  HEAD_MOST_BYTES,
  HEAD_SIZE,
  SITE_AT_HEADS,
  SITE_AT_LENGTH,
} from "../layout";
import { IN_TOKEN, isIn, isValueByte } from "./characters";

/**
 * Whether the head templates of a site index lie behind `textFrom` and inside of the block, are not too long, and hold whole lines: so no index can end
 * a head before its end.
 *
 * Together they have no more bytes than the block. That several lie over one another would be no use to anybody, and no limit to the work here.
 */
export function checkHeads(site: u32, textFrom: u32): bool {
  const count = load<u32>(site + SITE_AT_HEADS);
  const bytes = load<u32>(site + SITE_AT_LENGTH);
  let at = site + load<u32>(site + SITE_AT_HEADS + 4);
  let sum: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const position = load<u32>(at + HEAD_AT_TEXT);
    const common = <u32>load<u16>(at + HEAD_AT_COMMON);
    const content = <u32>load<u16>(at + HEAD_AT_CONTENT);
    sum += common + content;
    if (common + content > <u32>HEAD_MOST_BYTES || sum > bytes) return false;
    if (position < textFrom || <u64>position + common + content > bytes) return false;
    const text = site + position;
    if (!areLines(text, text + common) || !areLines(text + common, text + common + content)) return false;
    at += HEAD_SIZE;
  }
  return true;
}

/** Whether a text is nothing but lines of fields, each with a name and ended by CRLF. */
function areLines(at: u32, end: u32): bool {
  let i = at;
  while (i < end) {
    const line = i;
    while (i < end && isIn(load<u8>(i), IN_TOKEN)) i++;
    if (i === line || i === end || load<u8>(i) !== 0x3a) return false;
    while (i < end && isValueByte(load<u8>(i))) i++;
    if (end - i < 2 || load<u16>(i) !== 0x0a0d) return false;
    i += 2;
  }
  return true;
}
