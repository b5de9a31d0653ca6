import { SITE_AT_RULES } from "../layout";
import {
  PARAMETER_ANY,
  PARAMETER_LITERAL,
  REDIRECT_AT_FLAGS,
  REDIRECT_AT_HASH,
  REDIRECT_AT_PARAMETERS,
  REDIRECT_AT_PARAMETERS_LENGTH,
  REDIRECT_AT_PATTERN_LENGTH,
  REDIRECT_AT_STATUS,
  REDIRECT_AT_TARGET_LENGTH,
  REDIRECT_FORCED,
  REDIRECT_HERE,
  REDIRECT_LITERAL,
  REDIRECT_SERVES,
  REDIRECT_SIZE,
  REDIRECT_TEXT_MOST,
  RULES_AT_FORCED,
  RULES_AT_REDIRECTS,
} from "./format";
import { hashBytes, matchPattern, setCapture, withoutSlash } from "./pattern";
import { findParameter, parameterIs, parameterLength, startParameters, takeParameter } from "./query";
import { leadsToItself } from "./loop";
import { putText } from "./text";

/** The status of the rule that matched. */
export let redirectStatus: u16 = 0;
/** Whether the rule has a file served with its status (a rewrite, or a page such as a 410), and not a redirect. */
export let redirectIsServed: bool = false;
/**
 * The address of the text of the rule that matched, good until the next call, and its length. Of a redirect: the value of `Location`, as it is to be sent,
 * the request's query in it where it belongs. Of a rewrite: the decoded path to serve, without its leading slash, as URL records have it; the
 * site may have no such path. If it is that of a URL_FOLDER, the record's file is meant.
 */
export let redirectText: u32 = 0;
export let redirectTextLength: u32 = 0;

const room = memory.data(8192);

/**
 * Looks for the first rule of `_redirects` that matches; fills the variables above. A rule that would lead a path to itself does not match.
 *
 * @param site a checked site index
 * @param path the percent-decoded path without its leading slash
 * @param query the request's query as it came, without `?`; `queryLength` is 0 if there is none
 * @param forced true: only the forced rules, which are asked before the files of the site. false: only the others, asked if it has no such path
 * @returns whether one did
 */
export function matchRedirect(site: u32, path: u32, pathLength: u32, query: u32, queryLength: u32, forced: bool): bool {
  if (load<u32>(site + SITE_AT_RULES) === 0) return false;
  const rules = site + load<u32>(site + SITE_AT_RULES + 4);
  if (forced && load<u32>(rules + RULES_AT_FORCED) === 0) return false;
  let rule = rules + load<u32>(rules + RULES_AT_REDIRECTS);
  const end = rule + load<u32>(rules + RULES_AT_REDIRECTS + 4);
  if (rule === end) return false;
  const wanted = forced ? REDIRECT_FORCED : 0;
  const hash = hashBytes(path, withoutSlash(path, pathLength));
  for (; rule < end; rule += load<u32>(rule)) {
    const flags = load<u8>(rule + REDIRECT_AT_FLAGS);
    if ((flags & REDIRECT_FORCED) !== wanted) continue;
    if (flags & REDIRECT_LITERAL && load<u32>(rule + REDIRECT_AT_HASH) !== hash) continue;
    if (matchRule(rule, flags, path, pathLength, query, queryLength)) return true;
  }
  return false;
}

function matchRule(rule: u32, flags: u8, path: u32, pathLength: u32, query: u32, queryLength: u32): bool {
  const pattern = rule + REDIRECT_SIZE;
  const patternLength = <u32>load<u16>(rule + REDIRECT_AT_PATTERN_LENGTH);
  if (!matchPattern(pattern, patternLength, path, pathLength)) return false;
  const parameters = pattern + patternLength;
  if (!matchParameters(parameters, load<u8>(rule + REDIRECT_AT_PARAMETERS), query, queryLength)) return false;
  const target = parameters + load<u16>(rule + REDIRECT_AT_PARAMETERS_LENGTH);
  const targetLength = <u32>load<u16>(rule + REDIRECT_AT_TARGET_LENGTH);
  const textEnd = putText(target, targetLength, query, queryLength, <u32>room, <u32>room + REDIRECT_TEXT_MOST);
  if (textEnd === u32.MAX_VALUE) return false;
  const length = textEnd - <u32>room;
  const serves = (flags & REDIRECT_SERVES) !== 0;
  if (!serves && flags & REDIRECT_HERE) {
    // `//host` would lead to another host.
    if (length > 1 && load<u8>(room, 1) === 0x2f) return false;
    if (leadsToItself(<u32>room, length, path, pathLength, query, queryLength)) return false;
  }
  redirectStatus = load<u16>(rule + REDIRECT_AT_STATUS);
  redirectIsServed = serves;
  redirectText = <u32>room;
  redirectTextLength = length;
  return true;
}

/** Whether the query has all parameters that a rule names; those that it captures are then in the captures. */
function matchParameters(at: u32, count: u32, query: u32, queryLength: u32): bool {
  startParameters();
  for (let i: u32 = 0; i < count; i++) {
    const nameLength = <u32>load<u16>(at);
    if (!findParameter(query, queryLength, at + 2, nameLength)) return false;
    at += 2 + nameLength;
    const kind = load<u8>(at);
    if (kind === PARAMETER_LITERAL) {
      const length = <u32>load<u16>(at, 1);
      if (!parameterIs(at + 3, length)) return false;
      at += 3 + length;
    } else if (kind === PARAMETER_ANY) {
      at += 1;
    } else {
      const value = takeParameter();
      if (value === 0) return false;
      setCapture(load<u8>(at, 1), value, parameterLength);
      at += 2;
    }
  }
  return true;
}
