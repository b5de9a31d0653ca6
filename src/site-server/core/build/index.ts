/**
 * The module `build`: makes a site index from what a host tells it of files. What it exports, and in which order a host calls it, is said in ../layout.ts. An
 * instance makes one index; its memory grows, and is let go of with it.
 */
import {
  BUILD_CLEAN_URLS,
  BUILD_HIDDEN,
  BUILD_TAGS,
  FILE_TAG_LENGTH,
  FORM_BR,
  FORM_GZIP,
  FORM_IDENTITY,
  FORM_ZSTD,
  OPTION_FALLBACK,
  OPTION_NOT_FOUND,
  SITE_AT_FALLBACK,
  SITE_AT_MODIFIED,
  SITE_AT_NOT_FOUND,
  SITE_AT_PLAIN_HEAD,
} from "../layout";
import { ensure, exhausted, take, top } from "./arena";
import {
  addEntry,
  addForm as addEntryForm,
  ENTRY_MODIFIED,
  ENTRY_NUMBER,
  ENTRY_SIZE,
  ENTRY_TAG,
  findEntry,
} from "./entries";
import { tellMissingPages } from "./expected-pages";
import { addErrorPage, ERROR_PAGE_RECORD, findErrorPages } from "./error-pages";
import { readHeaderRules } from "./header-rules";
import { HEAD_NUMBER } from "./heads";
import { chooseHeads, plainPageHead } from "./choose-heads";
import { readTypes } from "./media-types";
import { changeOption, defaultOptions, optionAt, optionLength } from "./options";
import { problemsOf, problemText, problemTextLength } from "./problems";
import { readRedirectRules } from "./redirect-rules";
import { isServedPath } from "./served-path";
import { writeSite } from "./site";
import { addSourceName, SOURCE_RECORD } from "./sources";
import { findUrls } from "./urls";

/** A request's path is no longer (TARGET_LIMIT), and its length has to fit into 16 bits. */
const PATH_MOST: u32 = 8191;

let flags: u32 = 0;

/** The room lies where the text may stay: behind what a file's record needs. */
function roomAt(): u32 {
  return top + ENTRY_SIZE;
}

export function room(bytes: u32): u32 {
  return ensure(ENTRY_SIZE + bytes) ? roomAt() : 0;
}

export function start(buildFlags: u32): void {
  flags = buildFlags;
  readTypes();
  if (ensure(0)) defaultOptions();
}

export function setOption(option: u32, length: u32): void {
  const at = roomAt();
  take(ENTRY_SIZE + length);
  problemsOf("options");
  changeOption(option, at, length);
}

export function addSource(length: u32): u32 {
  const at = roomAt();
  return addSourceName(take(ENTRY_SIZE + length), at, length);
}

export function addFile(pathLength: u32, bytes: f64, modified: f64, source: u32, offset: f64): i32 {
  const at = roomAt();
  if (pathLength > PATH_MOST || !isServedPath(at, pathLength, (flags & BUILD_HIDDEN) !== 0)) return -1;
  const entry = addEntry(pathLength);
  if (entry === 0) return -2;
  if (entry === u32.MAX_VALUE) return -3;
  if (flags & BUILD_TAGS) memory.copy(entry + ENTRY_TAG, entry + ENTRY_SIZE + pathLength, FILE_TAG_LENGTH);
  store<u32>(entry + ENTRY_MODIFIED, <u32>max(0, min(modified, 4294967295)));
  addEntryForm(FORM_IDENTITY, bytes, source, offset);
  return load<u32>(entry + ENTRY_NUMBER);
}

export function addForm(form: u32, bytes: f64, source: u32, offset: f64): void {
  if (form === FORM_BR || form === FORM_ZSTD || form === FORM_GZIP) addEntryForm(<u8>form, bytes, source, offset);
}

export function setErrorPage(status: u32, pathLength: u32): void {
  const at = roomAt();
  addErrorPage(take(ENTRY_SIZE + pathLength), status, at, pathLength);
}

export function readHeaders(length: u32): void {
  const at = roomAt();
  take(ENTRY_SIZE + length);
  readHeaderRules(at, length);
}

export function readRedirects(length: u32): void {
  const at = roomAt();
  take(ENTRY_SIZE + length);
  readRedirectRules(at, length);
}

export function finish(modified: f64): u32 {
  const clean = (flags & BUILD_CLEAN_URLS) !== 0;
  findUrls(clean);
  findErrorPages();
  tellMissingPages(clean);
  if (!chooseHeads()) return 0;
  const site = exhausted ? 0 : writeSite((flags & BUILD_TAGS) !== 0);
  if (site === 0) return 0;
  store<f64>(site + SITE_AT_MODIFIED, modified);
  store<u16>(site + SITE_AT_PLAIN_HEAD, load<u16>(plainPageHead() + HEAD_NUMBER) + 1);
  store<u32>(site + SITE_AT_NOT_FOUND, numberOfFile(OPTION_NOT_FOUND));
  store<u32>(site + SITE_AT_FALLBACK, numberOfFile(OPTION_FALLBACK));
  return site;
}

/** The number of the file that an option names, plus one; 0 if the site has no such file. */
function numberOfFile(option: u32): u32 {
  const entry = findEntry(optionAt(option), optionLength(option), 0, 0);
  return entry === 0 ? 0 : load<u32>(entry + ENTRY_NUMBER) + 1;
}

export function problems(): u32 {
  return problemText();
}

export function problemsLength(): u32 {
  return problemTextLength();
}
