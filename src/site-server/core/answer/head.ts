import {
  ANSWER_AT_HEAD,
  ANSWER_AT_HEAD_LENGTH,
  ANSWER_AT_STATUS,
  ANSWER_CLOSE,
  FORM_BR,
  FORM_GZIP,
  FORM_ZSTD,
  HEAD_AT_COMMON,
  HEAD_AT_CONTENT,
  HEAD_AT_TEXT,
  HEAD_SIZE,
  REQUEST_AT_MINOR,
  REQUEST_KEEP_ALIVE,
  RESPOND_CLOSE,
  RESPOND_FIELDS,
  SITE_AT_HEADS,
  SITE_AT_PLAIN_HEAD,
} from "../layout";
import { writeHead } from "../rules";
import { addAnswerFlag } from "./answer-record";
import { ANSWER, HEAD, REQUEST } from "./buffers";
import { copy, writeNumber, writeText } from "./bytes";
import { hasBody } from "./framing";
import { DATE_BYTES, date } from "./http-date";
import { hasFlag } from "./request-record";
import { reasonOf } from "./statuses";
import { pathAt, pathLength } from "./target-path";

/** Where the next byte of the head goes. */
let to: u32 = HEAD;
/** Whether fields alone are written (RESPOND_FIELDS). */
let fieldsOnly: bool = false;

/** What most heads have in them, ready to be copied. */
const READY: u32 = <u32>memory.data(208, 8);
const OK_LINE: u32 = READY;
const NOT_MODIFIED_LINE: u32 = READY + 24;
const LENGTH: u32 = READY + 64;
const TAG: u32 = READY + 80;
const MODIFIED: u32 = READY + 88;
const RANGES: u32 = READY + 104;
const CODED_BR: u32 = READY + 128;
const CODED_ZSTD: u32 = READY + 152;
const CODED_GZIP: u32 = READY + 176;
writeText(OK_LINE, "HTTP/1.1 200 OK\r\nDate: "); // 23 bytes
writeText(NOT_MODIFIED_LINE, "HTTP/1.1 304 Not Modified\r\nDate: "); // 33
writeText(LENGTH, "Content-Length: "); // 16
writeText(TAG, "ETag: "); // 6
writeText(MODIFIED, "Last-Modified: "); // 15
writeText(RANGES, "Accept-Ranges: bytes\r\n"); // 22
writeText(CODED_BR, "Content-Encoding: br\r\n"); // 22
writeText(CODED_ZSTD, "Content-Encoding: zstd\r\n"); // 24
writeText(CODED_GZIP, "Content-Encoding: gzip\r\n"); // 24

/** Begins a head: the status line and the fields that every answer has, which `respondFlags` (RESPOND_*) may leave out. */
export function startHead(status: u32, respondFlags: u32): void {
  store<u16>(ANSWER + ANSWER_AT_STATUS, <u16>status);
  fieldsOnly = (respondFlags & RESPOND_FIELDS) !== 0;
  to = HEAD;
  // What is left of a body that was not asked for would be taken for the next request.
  const closes = (respondFlags & RESPOND_CLOSE) !== 0 || !hasFlag(REQUEST_KEEP_ALIVE) || hasBody();
  if (closes) addAnswerFlag(ANSWER_CLOSE);
  if (fieldsOnly) return;
  writeStatusLine(status);
  to = copy(to, date(), DATE_BYTES);
  if (closes) to = writeText(to, "\r\nConnection: close\r\n");
  else if (load<u8>(REQUEST + REQUEST_AT_MINOR) === 0) to = writeText(to, "\r\nConnection: keep-alive\r\n");
  else endLine();
}

function writeStatusLine(status: u32): void {
  if (status === 200) {
    to = copy(to, OK_LINE, 23);
  } else if (status === 304) {
    to = copy(to, NOT_MODIFIED_LINE, 33);
  } else {
    to = writeText(to, "HTTP/1.1 ");
    to = writeNumber(to, status);
    to = writeText(to, " ");
    to = writeText(to, reasonOf(status));
    to = writeText(to, "\r\nDate: ");
  }
}

function endLine(): void {
  store<u16>(to, 0x0a0d);
  to += 2;
}

/** Ends the head. */
export function endHead(): void {
  if (!fieldsOnly) endLine();
  store<u32>(ANSWER + ANSWER_AT_HEAD, HEAD);
  store<u32>(ANSWER + ANSWER_AT_HEAD_LENGTH, to - HEAD);
}

/** Appends text behind the head that `endHead` ended: a body. */
export function appendBody(text: string): void {
  to = writeText(to, text);
  store<u32>(ANSWER + ANSWER_AT_HEAD_LENGTH, to - HEAD);
}

/** Appends a number, as `appendBody` does text. */
export function appendNumber(value: u32): void {
  to = writeNumber(to, value);
}

/** Writes the lines of a head template as they are, with those that go with content or without. */
export function writeTemplate(site: u32, head: u32, content: bool): void {
  const common = <u32>load<u16>(head + HEAD_AT_COMMON);
  const length = content ? common + <u32>load<u16>(head + HEAD_AT_CONTENT) : common;
  to = copy(to, site + load<u32>(head + HEAD_AT_TEXT), length);
}

/** Writes the lines of a head template, as the site's header rules change them for the path of the request. */
export function writeRuledTemplate(site: u32, head: u32, content: bool): void {
  to += writeHead(site, head, pathAt, pathLength, content, to);
}

/**
 * Writes what goes with every answer that is no file: the site's plain template, or, without one or without a site (0), fields of our own.
 *
 * @param content whether the answer is a built-in page
 */
export function writePlainTemplate(site: u32, content: bool): void {
  const head = site === 0 ? 0 : <u32>load<u16>(site + SITE_AT_PLAIN_HEAD);
  if (head !== 0) return writeRuledTemplate(site, headAt(site, head - 1), content);
  writeLines("Cache-Control: no-cache\r\n");
  if (content) writeLines("Content-Type: text/html; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n");
}

/** The address of a head template's record, by its number. */
export function headAt(site: u32, number: u32): u32 {
  return site + load<u32>(site + SITE_AT_HEADS + 4) + number * HEAD_SIZE;
}

/** Writes whole lines. */
export function writeLines(text: string): void {
  to = writeText(to, text);
}

export function writeContentLength(bytes: f64): void {
  to = writeNumber(copy(to, LENGTH, 16), bytes);
  endLine();
}

/** @param tag the address of the entity tag, with its quotes */
export function writeTag(tag: u32, length: u32): void {
  to = copy(copy(to, TAG, 6), tag, length);
  endLine();
}

/** @param text the address of the date */
export function writeLastModified(text: u32): void {
  to = copy(copy(to, MODIFIED, 15), text, DATE_BYTES);
  endLine();
}

export function writeAcceptRanges(): void {
  to = copy(to, RANGES, 22);
}

/** Writes `Content-Encoding` of a form, if it is an encoded one. */
export function writeCoding(form: u32): void {
  if (form === FORM_BR) to = copy(to, CODED_BR, 22);
  else if (form === FORM_ZSTD) to = copy(to, CODED_ZSTD, 24);
  else if (form === FORM_GZIP) to = copy(to, CODED_GZIP, 24);
}

/** Writes `Content-Range` of a part of a file; `bytes` 0 says that there is no such part. */
export function writeContentRange(start: f64, bytes: f64, size: f64): void {
  to = writeText(to, "Content-Range: bytes ");
  if (bytes === 0) {
    to = writeText(to, "*");
  } else {
    to = writeText(writeNumber(to, start), "-");
    to = writeNumber(to, start + bytes - 1);
  }
  to = writeNumber(writeText(to, "/"), size);
  endLine();
}

/** Takes what somebody else has written behind the head so far: `end` is behind it. */
export function takeWritten(end: u32): void {
  to = end;
}

/** Where the next byte goes, for those who write themselves, and then `takeWritten`. */
export function nextByte(): u32 {
  return to;
}
