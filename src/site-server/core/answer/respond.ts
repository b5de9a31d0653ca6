import {
  ANSWER_MISSING,
  FILE_AT_HEAD,
  METHOD_OTHER,
  REQUEST_AT_METHOD,
  SITE_AT_FALLBACK,
  SITE_AT_RULES,
  URL_AT_FILE,
  URL_AT_FLAGS,
  URL_AT_HEAD,
  URL_AT_KIND,
  URL_FOLDER,
  URL_KEPT,
} from "../layout";
import { matchRedirect, redirectIsServed, redirectStatus, redirectText, redirectTextLength } from "../rules";
import { answerBuiltIn, answerError } from "./answer-error";
import { answerFile, answerPage, fileAt } from "./answer-file";
import { addAnswerFlag, clearAnswer } from "./answer-record";
import { redirectTo, redirectToFolder } from "./answer-redirect";
import { REQUEST } from "./buffers";
import { headAt } from "./head";
import { findUrl, hashPath } from "./find-url";
import { pathAt, pathHash, pathLength, queryAt, queryLength, readTargetPath } from "./target-path";

/**
 * Answers the request from a site: fills the ANSWER record. The order: forced redirects, what the site has at the path, other redirects, the fallback, the
 * page for what does not exist.
 *
 * @param site a checked site index
 * @param flags RESPOND_*
 */
export function respond(site: u32, flags: u32): void {
  clearAnswer();
  const refused = readTargetPath();
  if (load<u8>(REQUEST + REQUEST_AT_METHOD) === METHOD_OTHER) return answerError(site, 405, flags);
  if (refused !== 0) return answerError(site, refused, flags);
  const hasRules = load<u32>(site + SITE_AT_RULES) !== 0;
  if (hasRules && matches(site, true)) return answerRule(site, flags);
  const url = findUrl(site, pathAt, pathLength, pathHash);
  if (url !== 0) return answerUrl(site, url, flags);
  addAnswerFlag(ANSWER_MISSING);
  if (hasRules && matches(site, false)) return answerRule(site, flags);
  answerMissing(site, flags);
}

/**
 * Answers the request from a former release of a site, of which only paths that are kept are reachable.
 *
 * @param site a checked site index
 * @param flags RESPOND_*
 * @returns whether it has the path. If not, the ANSWER record is as it was
 */
export function respondKept(site: u32, flags: u32): u32 {
  if (load<u8>(REQUEST + REQUEST_AT_METHOD) === METHOD_OTHER || readTargetPath() !== 0) return 0;
  const url = findUrl(site, pathAt, pathLength, pathHash);
  if (url === 0 || (load<u8>(url + URL_AT_FLAGS) & URL_KEPT) === 0) return 0;
  clearAnswer();
  answerUrl(site, url, flags);
  return 1;
}

/**
 * Answers with the built-in page of a status, as for what `parse` refused. Of 204 there is a head alone.
 *
 * @param flags RESPOND_*
 */
export function respondStatus(status: u32, flags: u32): void {
  clearAnswer();
  answerBuiltIn(0, status, flags);
}

function matches(site: u32, forced: bool): bool {
  return matchRedirect(site, pathAt, pathLength, queryAt, queryLength, forced);
}

function answerUrl(site: u32, url: u32, flags: u32): void {
  const head = headAt(site, load<u16>(url + URL_AT_HEAD));
  if (load<u8>(url + URL_AT_KIND) === URL_FOLDER) return redirectToFolder(site, head, flags);
  answerFile(site, fileAt(site, load<u32>(url + URL_AT_FILE)), head, false, flags);
}

/** Answers as the rule says that matched. */
function answerRule(site: u32, flags: u32): void {
  const status = <u32>redirectStatus;
  if (!redirectIsServed) return redirectTo(site, status, redirectText, redirectTextLength, flags);
  const url = findUrl(site, redirectText, redirectTextLength, hashPath(redirectText, redirectTextLength));
  if (url === 0) return answerError(site, status === 200 ? 404 : status, flags);
  const file = fileAt(site, load<u32>(url + URL_AT_FILE));
  const head = headAt(site, load<u16>(file + FILE_AT_HEAD));
  if (status === 200) answerFile(site, file, head, true, flags);
  else answerPage(site, file, head, status, flags);
}

/** Answers for a path that the site does not have. */
function answerMissing(site: u32, flags: u32): void {
  const fallback = load<u32>(site + SITE_AT_FALLBACK);
  if (fallback === 0 || !namesView()) return answerError(site, 404, flags);
  const file = fileAt(site, fallback - 1);
  answerFile(site, file, headAt(site, load<u16>(file + FILE_AT_HEAD)), true, flags);
}

/**
 * Whether the path may be one of an application's views: its last name has no dot, as names of files have, and none of the others is empty: what has two
 * slashes in a row does not exist anywhere.
 */
function namesView(): bool {
  let hasDot = false;
  let before: u8 = 0x2f;
  for (let i: u32 = 0; i < pathLength; i++) {
    const byte = load<u8>(pathAt + i);
    if (byte === 0x2f && before === 0x2f) return false;
    if (byte === 0x2f) hasDot = false;
    else if (byte === 0x2e) hasDot = true;
    before = byte;
  }
  return !hasDot;
}
