import {
  ANSWER_AT_PAGE_BYTES,
  ERROR_SIZE,
  FILE_AT_HEAD,
  METHOD_HEAD,
  REQUEST_AT_METHOD,
  SITE_AT_ERRORS,
  SITE_AT_NOT_FOUND,
} from "../layout";
import { answerPage, fileAt } from "./answer-file";
import { ANSWER, REQUEST } from "./buffers";
import {
  appendBody,
  appendNumber,
  endHead,
  headAt,
  startHead,
  writeContentLength,
  writeLines,
  writePlainTemplate,
} from "./head";
import { explanationOf, reasonOf } from "./statuses";

/**
 * Answers with an error: the site's own page for it, if there is one, else a built-in one.
 *
 * @param flags RESPOND_*
 */
export function answerError(site: u32, status: u32, flags: u32): void {
  const number = pageOf(site, status);
  if (number === 0) return answerBuiltIn(site, status, flags);
  const file = fileAt(site, number - 1);
  answerPage(site, file, headAt(site, load<u16>(file + FILE_AT_HEAD)), status, flags);
}

/** The number of the file that is the site's page for a status, plus one; or 0. */
function pageOf(site: u32, status: u32): u32 {
  if (status === 404) return load<u32>(site + SITE_AT_NOT_FOUND);
  const count = load<u32>(site + SITE_AT_ERRORS);
  const errors = site + load<u32>(site + SITE_AT_ERRORS + 4);
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(errors + i * ERROR_SIZE) === status) return load<u32>(errors + i * ERROR_SIZE + 4) + 1;
  }
  return 0;
}

const PAGE_BEGIN = '<!doctype html><html lang="en"><meta charset="utf-8"><title>';
const PAGE_HEADING = "</title><h1>";
const PAGE_TEXT = "</h1><p>";
const PAGE_END = "</p></html>\n";

/**
 * Answers with a built-in page.
 *
 * @param site 0 if no site is asked
 * @param flags RESPOND_*
 */
export function answerBuiltIn(site: u32, status: u32, flags: u32): void {
  startHead(status, flags);
  if (status === 204) return endHead(); // has no content, and no length of it (RFC 9110, section 8.6)
  const reason = reasonOf(status);
  const explanation = explanationOf(status);
  const texts = PAGE_BEGIN.length + PAGE_HEADING.length + PAGE_TEXT.length + PAGE_END.length;
  const bytes = texts + 2 * (4 + reason.length) + explanation.length;
  if (status === 405) writeLines("Allow: GET, HEAD\r\n");
  writeContentLength(bytes);
  writePlainTemplate(site, true);
  endHead();
  if (load<u8>(REQUEST + REQUEST_AT_METHOD) === METHOD_HEAD) return;
  appendBody(PAGE_BEGIN);
  appendHeading(status, reason);
  appendBody(PAGE_HEADING);
  appendHeading(status, reason);
  appendBody(PAGE_TEXT);
  appendBody(explanation);
  appendBody(PAGE_END);
  store<u32>(ANSWER + ANSWER_AT_PAGE_BYTES, bytes);
}

function appendHeading(status: u32, reason: string): void {
  appendNumber(status);
  appendBody(" ");
  appendBody(reason);
}
