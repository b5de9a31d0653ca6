import {
  ERROR_SIZE,
  FILE_AT_FLAGS,
  FILE_AT_FORM,
  FILE_AT_FORMS,
  FILE_AT_HEAD,
  FILE_AT_MODIFIED,
  FILE_AT_PATH,
  FILE_AT_PATH_LENGTH,
  FILE_AT_TAG,
  FILE_SIZE,
  FILE_TAGGED,
  FORM_GZIP,
  FORM_IDENTITY,
  FORM_SIZE,
  HEAD_AT_COMMON,
  HEAD_AT_CONTENT,
  HEAD_AT_TEXT,
  HEAD_SIZE,
  SITE_AT_ERRORS,
  SITE_AT_FILES,
  SITE_AT_FORMS,
  SITE_AT_HEADS,
  SITE_AT_LENGTH,
  SITE_AT_MAGIC,
  SITE_AT_RULES,
  SITE_AT_SLOTS,
  SITE_AT_SOURCES,
  SITE_AT_URLS,
  SITE_AT_VERSION,
  SITE_HEADER,
  SITE_MAGIC,
  SITE_VERSION,
  SOURCE_SIZE,
  URL_SIZE,
} from "../layout";
import { RULES_AT_FORCED, RULES_AT_HEADERS, RULES_AT_REDIRECTS, RULES_HEADER } from "../rules/format";
import { ensure, take, top } from "./arena";
import {
  ENTRY_FORMS,
  ENTRY_HEADS,
  ENTRY_MODIFIED,
  ENTRY_NEXT,
  ENTRY_PATH_LENGTH,
  ENTRY_SIZE,
  ENTRY_TAG,
  entryCount,
  firstEntry,
  formCount,
  formOf,
  pathBytes,
} from "./entries";
import { errorPageCount, writeErrorPages } from "./error-pages";
import { headerRules, headerRulesLength } from "./header-rules";
import { firstHead, HEAD_COMMON, HEAD_CONTENT, HEAD_NEXT, HEAD_TEXT, headBytes, headCount } from "./heads";
import { forcedCount, redirectRules, redirectRulesLength } from "./redirect-rules";
import { sourceBytes, sourceCount, writeSources } from "./sources";
import { writeUrls } from "./site-urls";
import { urlCount } from "./urls";

/** The index that is being written, and where in it the next text goes. */
export let site: u32 = 0;
let text: u32 = 0;

/** Lays the index out and writes all of it but what the options say. Returns its address; 0 if there is no memory for it. */
export function writeSite(tagged: bool): u32 {
  const hasRules = headerRulesLength + redirectRulesLength > 0;
  const ruleBytes = hasRules ? RULES_HEADER + headerRulesLength + redirectRulesLength : 0;
  const slotCount = slotsFor(urlCount);
  const most =
    SITE_HEADER +
    slotCount * 4 +
    urlCount * URL_SIZE +
    entryCount * FILE_SIZE +
    formCount * FORM_SIZE +
    headCount * HEAD_SIZE +
    sourceCount * SOURCE_SIZE +
    errorPageCount * ERROR_SIZE +
    ruleBytes +
    pathBytes +
    headBytes +
    sourceBytes +
    128;
  if (!ensure(most)) return 0;
  take(top & 4);
  site = top;
  memory.fill(site, 0, most);
  let at = place(SITE_AT_SLOTS, slotCount, slotCount * 4, SITE_HEADER);
  at = place(SITE_AT_URLS, urlCount, urlCount * URL_SIZE, at);
  at = place(SITE_AT_FILES, entryCount, entryCount * FILE_SIZE, at);
  at = place(SITE_AT_FORMS, formCount, formCount * FORM_SIZE, at);
  at = place(SITE_AT_HEADS, headCount, headCount * HEAD_SIZE, at);
  at = place(SITE_AT_SOURCES, sourceCount, sourceCount * SOURCE_SIZE, at);
  at = place(SITE_AT_ERRORS, errorPageCount, errorPageCount * ERROR_SIZE, at);
  text = place(SITE_AT_RULES, ruleBytes, ruleBytes, at);
  writeFiles(tagged);
  writeUrls(site);
  writeHeads();
  text = writeSources(site, text);
  writeErrorPages(site);
  if (hasRules) writeRules();
  store<u32>(site + SITE_AT_MAGIC, SITE_MAGIC);
  store<u16>(site + SITE_AT_VERSION, SITE_VERSION);
  store<u32>(site + SITE_AT_LENGTH, (text + 7) & ~7);
  take((text + 7) & ~7);
  return site;
}

/** A power of two, at most three quarters full, with one empty slot at least: it ends every search. */
function slotsFor(count: u32): u32 {
  let slots: u32 = 4;
  while (slots * 3 < count * 4) slots *= 2;
  return slots;
}

/** Says in the header where a part lies. Returns where the next begins. */
function place(part: u32, count: u32, bytes: u32, at: u32): u32 {
  store<u32>(site + part, count);
  store<u32>(site + part + 4, at);
  return (at + bytes + 7) & ~7;
}

function part(at: u32): u32 {
  return site + load<u32>(site + at + 4);
}

function writeFiles(tagged: bool): void {
  let file = part(SITE_AT_FILES);
  const forms = part(SITE_AT_FORMS);
  let form: u32 = 0;
  for (let entry = firstEntry; entry !== 0; entry = load<u32>(entry + ENTRY_NEXT)) {
    const pathLength = <u32>load<u16>(entry + ENTRY_PATH_LENGTH);
    const mask = load<u8>(entry + ENTRY_FORMS);
    store<u32>(file + FILE_AT_FORM, form);
    store<u8>(file + FILE_AT_FORMS, mask);
    store<u8>(file + FILE_AT_FLAGS, tagged ? FILE_TAGGED : 0);
    store<u16>(file + FILE_AT_HEAD, load<u16>(entry + ENTRY_HEADS));
    store<u32>(file + FILE_AT_MODIFIED, load<u32>(entry + ENTRY_MODIFIED));
    store<u32>(file + FILE_AT_PATH, text);
    store<u16>(file + FILE_AT_PATH_LENGTH, <u16>pathLength);
    copyTag(file + FILE_AT_TAG, entry + ENTRY_TAG);
    memory.copy(site + text, entry + ENTRY_SIZE, pathLength);
    text += pathLength;
    for (let kind = <u32>FORM_IDENTITY; kind <= <u32>FORM_GZIP; kind <<= 1) {
      if ((mask & <u8>kind) === 0) continue;
      copyForm(forms + form * FORM_SIZE, formOf(entry, kind));
      form++;
    }
    file += FILE_SIZE;
  }
}

/** 22 bytes: so short a `memory.copy` costs more than all else that is done for a file. */
function copyTag(to: u32, from: u32): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u32>(to, load<u32>(from, 16), 16);
  store<u16>(to, load<u16>(from, 20), 20);
}

/** FORM_SIZE bytes. */
function copyForm(to: u32, from: u32): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u32>(to, load<u32>(from, 16), 16);
}

function writeHeads(): void {
  let record = part(SITE_AT_HEADS);
  for (let head = firstHead; head !== 0; head = load<u32>(head + HEAD_NEXT)) {
    const common = load<u16>(head + HEAD_COMMON);
    const content = load<u16>(head + HEAD_CONTENT);
    store<u32>(record + HEAD_AT_TEXT, text);
    store<u16>(record + HEAD_AT_COMMON, common);
    store<u16>(record + HEAD_AT_CONTENT, content);
    memory.copy(site + text, head + HEAD_TEXT, <u32>common + content);
    text += <u32>common + content;
    record += HEAD_SIZE;
  }
}

function writeRules(): void {
  const rules = part(SITE_AT_RULES);
  store<u32>(rules + RULES_AT_HEADERS, RULES_HEADER);
  store<u32>(rules + RULES_AT_HEADERS + 4, headerRulesLength);
  store<u32>(rules + RULES_AT_REDIRECTS, RULES_HEADER + headerRulesLength);
  store<u32>(rules + RULES_AT_REDIRECTS + 4, redirectRulesLength);
  store<u32>(rules + RULES_AT_FORCED, forcedCount);
  memory.copy(rules + RULES_HEADER, headerRules, headerRulesLength);
  memory.copy(rules + RULES_HEADER + headerRulesLength, redirectRules, redirectRulesLength);
}
