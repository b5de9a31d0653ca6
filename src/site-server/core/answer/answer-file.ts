import {
  FIELD_RANGE,
  FILE_AT_FLAGS,
  FILE_AT_FORM,
  FILE_AT_FORMS,
  FILE_AT_MODIFIED,
  FILE_AT_TAG,
  FILE_SIZE,
  FILE_TAG_LENGTH,
  FILE_TAGGED,
  FORM_AT_BYTES,
  FORM_BR,
  FORM_GZIP,
  FORM_IDENTITY,
  FORM_SIZE,
  FORM_ZSTD,
  ANSWER_NEEDS_TAG,
  METHOD_GET,
  METHOD_HEAD,
  REQUEST_AT_METHOD,
  SITE_AT_FILES,
  SITE_AT_FORMS,
  SITE_AT_MODIFIED,
} from "../layout";
import { chooseForm } from "./accept-encoding";
import { addAnswerFlag, setAnswerBody, setAnswerFile } from "./answer-record";
import { REQUEST } from "./buffers";
import { RANGE_PART, RANGE_UNSATISFIABLE, RANGE_WHOLE, rangeBytes, rangeStart, readRange } from "./byte-range";
import { copy, writeText } from "./bytes";
import { isUnmodified, rangeApplies } from "./conditions";
import {
  endHead,
  startHead,
  writeAcceptRanges,
  writeCoding,
  writeContentLength,
  writeContentRange,
  writeLastModified,
  writeLines,
  writePlainTemplate,
  writeRuledTemplate,
  writeTag,
  writeTemplate,
} from "./head";
import { dateText, now } from "./http-date";
import { isRepeated, knownLength, knownValue } from "./request-record";

/** The entity tag of the form that is sent, with its quotes: `"TAG"`, `"TAG-zstd"`. */
const tag: u32 = <u32>memory.data(40, 8);
let tagLength: u32 = 0;

/** The form that is sent, its record and its bytes. */
let form: u32 = 0;
let record: u32 = 0;
let size: f64 = 0;

/** The address of the record of a file, by its number. */
export function fileAt(site: u32, number: u32): u32 {
  return site + load<u32>(site + SITE_AT_FILES + 4) + number * FILE_SIZE;
}

/**
 * Answers with a file: 200, 206, 304 or 416.
 *
 * @param file the address of its record
 * @param head the address of the record of its head template
 * @param ruled whether the site's header rules are still to be applied to the template
 * @param flags RESPOND_*
 */
export function answerFile(site: u32, file: u32, head: u32, ruled: bool, flags: u32): void {
  selectForm(site, file);
  if ((load<u8>(file + FILE_AT_FLAGS) & FILE_TAGGED) === 0) return askForTag(site, file);
  composeTag(file);
  const modified = lastModified(site, file);
  if (isUnmodified(tag, tagLength, modified)) return answerUnmodified(site, head, ruled, modified, flags);
  const range = readRequestedRange(modified);
  if (range === RANGE_UNSATISFIABLE) return answerNoSuchRange(site, flags);
  startHead(range === RANGE_PART ? 206 : 200, flags);
  const bytes = range === RANGE_PART ? rangeBytes : size;
  writeContentLength(bytes);
  if (range === RANGE_PART) writeContentRange(rangeStart, rangeBytes, size);
  writeValidators(modified);
  writeAcceptRanges();
  writeContent(site, head, ruled);
  endHead();
  setAnswerFile(site, file, form, record);
  if (load<u8>(REQUEST + REQUEST_AT_METHOD) !== METHOD_HEAD) {
    setAnswerBody(record, range === RANGE_PART ? rangeStart : 0, bytes);
  }
}

/** Answers with a file whose status is none of 200: an error page. It is not the resource that was asked for, so it has no validators and no ranges. */
export function answerPage(site: u32, file: u32, head: u32, status: u32, flags: u32): void {
  selectForm(site, file);
  startHead(status, flags);
  if (status === 405) writeLines("Allow: GET, HEAD\r\n");
  writeContentLength(size);
  writeContent(site, head, true);
  endHead();
  setAnswerFile(site, file, form, record);
  if (load<u8>(REQUEST + REQUEST_AT_METHOD) !== METHOD_HEAD) setAnswerBody(record, 0, size);
}

function selectForm(site: u32, file: u32): void {
  const forms = <u32>load<u8>(file + FILE_AT_FORMS);
  const first = site + load<u32>(site + SITE_AT_FORMS + 4) + load<u32>(file + FILE_AT_FORM) * FORM_SIZE;
  form = chooseForm(forms, first);
  record = first + popcnt<u32>(forms & (form - 1)) * FORM_SIZE;
  size = load<f64>(record + FORM_AT_BYTES);
}

/** The tag names the content of the file as it is, whatever form is sent. */
function askForTag(site: u32, file: u32): void {
  const first = site + load<u32>(site + SITE_AT_FORMS + 4) + load<u32>(file + FILE_AT_FORM) * FORM_SIZE;
  addAnswerFlag(ANSWER_NEEDS_TAG);
  setAnswerFile(site, file, FORM_IDENTITY, first);
  setAnswerBody(first, 0, load<f64>(first + FORM_AT_BYTES));
}

function composeTag(file: u32): void {
  store<u8>(tag, 0x22);
  let end = copy(tag + 1, file + FILE_AT_TAG, FILE_TAG_LENGTH);
  if (form === FORM_BR) end = writeText(end, "-br");
  else if (form === FORM_ZSTD) end = writeText(end, "-zstd");
  else if (form === FORM_GZIP) end = writeText(end, "-gzip");
  store<u8>(end, 0x22);
  tagLength = end + 1 - tag;
}

/** The address of the text of `Last-Modified`, or 0 for none: never a date that is still to come (RFC 9110, section 8.8.2.1), nor the first second of 1970, which says "not known". */
function lastModified(site: u32, file: u32): u32 {
  let seconds = load<f64>(site + SITE_AT_MODIFIED);
  if (seconds === 0) seconds = <f64>load<u32>(file + FILE_AT_MODIFIED);
  return seconds > 0 && seconds <= now ? dateText(seconds) : 0;
}

/** Ranges are for GET only (RFC 9110, section 14.2). Two fields are no one range. */
function readRequestedRange(modified: u32): u32 {
  const value = knownValue(FIELD_RANGE);
  if (value === 0 || load<u8>(REQUEST + REQUEST_AT_METHOD) !== METHOD_GET || isRepeated(FIELD_RANGE))
    return RANGE_WHOLE;
  return rangeApplies(tag, tagLength, modified) ? readRange(value, knownLength(FIELD_RANGE), size) : RANGE_WHOLE;
}

function answerUnmodified(site: u32, head: u32, ruled: bool, modified: u32, flags: u32): void {
  startHead(304, flags);
  writeValidators(modified);
  if (ruled) writeRuledTemplate(site, head, false);
  else writeTemplate(site, head, false);
  endHead();
}

function answerNoSuchRange(site: u32, flags: u32): void {
  startHead(416, flags);
  writePlainTemplate(site, false);
  writeContentLength(0);
  writeContentRange(0, 0, size);
  endHead();
}

function writeValidators(modified: u32): void {
  writeTag(tag, tagLength);
  if (modified !== 0) writeLastModified(modified);
}

/** The template, and what the form adds to it. */
function writeContent(site: u32, head: u32, ruled: bool): void {
  if (ruled) writeRuledTemplate(site, head, true);
  else writeTemplate(site, head, true);
  writeCoding(form);
}
