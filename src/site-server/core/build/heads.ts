import { HEAD_MOST_BYTES, OPTION_CACHE, OPTION_CACHE_IMMUTABLE } from "../layout";
import { commonLength, writeFields } from "../rules/head";
import { hashBytes } from "../rules/pattern";
import { ensure, take, top } from "./arena";
import { isSame, putString } from "./ascii";
import { headerRules, headerRulesLength } from "./header-rules";
import { putType, TYPES_MOST } from "./media-types";
import { optionAt, optionLength } from "./options";
import { problem, problemsOf } from "./problems";

/** A template: u32 the next in its bucket, u32 the next in order, u32 hash, u16 bytes of common fields, u16 of content fields, u16 number, then the text. */
const HEAD_BUCKET: u32 = 0;
export const HEAD_NEXT: u32 = 4;
const HEAD_HASH: u32 = 8;
export const HEAD_COMMON: u32 = 12;
export const HEAD_CONTENT: u32 = 14;
export const HEAD_NUMBER: u32 = 16;
export const HEAD_TEXT: u32 = 20;
/** Numbers of templates are u16. */
const HEADS_MOST: u32 = 0xffff;

const BUCKETS: u32 = 1024;
const buckets = memory.data(4096);
/** The templates before any rules: TYPES_MOST x 4 x u32, 0 if there is none yet. */
const plain = memory.data(2048);

export let firstHead: u32 = 0;
export let headCount: u32 = 0;
/** Bytes of all templates. */
export let headBytes: u32 = 0;
let lastHead: u32 = 0;
/** There were more templates than HEADS_MOST. */
let overflowed: bool = false;

/**
 * The template of files of a type, before any rules; 0 if there is no memory for it.
 *
 * @param immutable the file's name carries a hash, and it is asked for by that name
 * @param varies the file may be sent in other encodings
 */
export function plainHead(type: u32, immutable: bool, varies: bool): u32 {
  const slot = plain + ((type % TYPES_MOST) * 4 + (immutable ? 2 : 0) + (varies ? 1 : 0)) * 4;
  const known = load<u32>(slot);
  if (known !== 0 || !ensure(HEAD_TEXT + HEAD_MOST_BYTES)) return known;
  const text = top + HEAD_TEXT;
  const cache = immutable ? OPTION_CACHE_IMMUTABLE : OPTION_CACHE;
  let to = putString("Cache-Control: ", text);
  memory.copy(to, optionAt(cache), optionLength(cache));
  to = putString("\r\n", to + optionLength(cache));
  if (varies) to = putString("Vary: Accept-Encoding\r\n", to);
  const common = to - text;
  to = putString("Content-Type: ", to);
  to = putType(type, to);
  to = putString("\r\nX-Content-Type-Options: nosniff\r\n", to);
  const head = intern(common, to - text - common);
  store<u32>(slot, head);
  return head;
}

/** A template with what `_headers` says of a path; 0 if there is no memory for it. */
export function headFor(head: u32, path: u32, pathLength: u32): u32 {
  if (headerRulesLength === 0 || !ensure(HEAD_TEXT + HEAD_MOST_BYTES)) return headerRulesLength === 0 ? head : 0;
  const common = <u32>load<u16>(head + HEAD_COMMON);
  const content = <u32>load<u16>(head + HEAD_CONTENT);
  const to = top + HEAD_TEXT;
  const bytes = writeFields(headerRules, headerRulesLength, head + HEAD_TEXT, common, content, path, pathLength, to);
  const found = intern(commonLength, bytes - commonLength);
  if (found !== 0) return found;
  return headCount < HEADS_MOST ? 0 : tooMany(head, path, pathLength);
}

function tooMany(head: u32, path: u32, pathLength: u32): u32 {
  if (!overflowed) {
    problemsOf("_headers");
    problem(0, "makes more different heads than a site may have; passed over from this file on", path, pathLength);
  }
  overflowed = true;
  return head;
}

/** The template whose text lies HEAD_TEXT bytes behind `top`: one that is there already, or else it is taken over. 0 if there are too many. */
function intern(common: u32, content: u32): u32 {
  const text = top + HEAD_TEXT;
  const hash = hashBytes(text, common + content);
  const bucket = <u32>buckets + (hash % BUCKETS) * 4;
  for (let head = load<u32>(bucket); head !== 0; head = load<u32>(head + HEAD_BUCKET)) {
    if (load<u32>(head + HEAD_HASH) !== hash || load<u16>(head + HEAD_COMMON) !== <u16>common) continue;
    const length = <u32>load<u16>(head + HEAD_COMMON) + load<u16>(head + HEAD_CONTENT);
    if (isSame(head + HEAD_TEXT, length, text, common + content)) return head;
  }
  if (headCount === HEADS_MOST) return 0;
  const head = take(HEAD_TEXT + common + content);
  store<u32>(head + HEAD_BUCKET, load<u32>(bucket));
  store<u32>(bucket, head);
  store<u32>(head + HEAD_NEXT, 0);
  store<u32>(head + HEAD_HASH, hash);
  store<u16>(head + HEAD_COMMON, <u16>common);
  store<u16>(head + HEAD_CONTENT, <u16>content);
  store<u16>(head + HEAD_NUMBER, <u16>headCount);
  if (firstHead === 0) firstHead = head;
  else store<u32>(lastHead + HEAD_NEXT, head);
  lastHead = head;
  headCount++;
  headBytes += common + content;
  return head;
}
