import {
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
} from "../rules/format";
import { hashBytes } from "../rules/pattern";
import { ensure, take } from "./arena";
import { HASH, SLASH } from "./ascii";
import { lineAt, lineEnd, lineNumber, nextLine, startLines } from "./lines";
import { problem, problemsOf } from "./problems";
import {
  from,
  fromEnd,
  isForced,
  parameters,
  parametersEnd,
  parameterWords,
  readRedirectLine,
  status,
  target,
  targetEnd,
} from "./redirect-line";
import { compileParameters } from "./redirect-parameters";
import { compileItself, compileLocation, compileServed, isLiteralTarget } from "./redirect-target";
import { expectPage } from "./expected-pages";
import { compilePattern, isLiteralPattern } from "./rule-pattern";
import { out, writeFrom } from "./rule-writer";
import { isUrl } from "./url-prefix";

/** A longer file is not read: all of it may have to be looked at for a request. */
const TEXT_MOST: u32 = 1 << 20;
const RULES_MOST: u32 = 5000;
const LINE_MOST: u32 = 2048;

/** The block of redirects, see ../rules.ts, and how many of them are forced. */
export let redirectRules: u32 = 0;
export let redirectRulesLength: u32 = 0;
export let forcedCount: u32 = 0;

let ruleCount: u32 = 0;

/** Compiles the text of a `_redirects` file, which stays where it is. */
export function readRedirectRules(text: u32, length: u32): void {
  problemsOf("_redirects");
  if (length > TEXT_MOST) {
    problem(0, "longer than 1 MiB; passed over", 0, 0);
    return;
  }
  const lines = startLines(text, length);
  // No line is compiled to more than three times its length and what a record has before it.
  if (!ensure(length * 3 + lines * 32 + 64)) return;
  redirectRules = take(length * 3 + lines * 32 + 64);
  writeFrom(redirectRules);
  while (nextLine()) {
    if (lineAt < lineEnd && load<u8>(lineAt) !== HASH) readLine();
  }
  redirectRulesLength = out - redirectRules;
}

function readLine(): void {
  if (lineEnd - lineAt > LINE_MOST) {
    problem(lineNumber, "a line of more than 2048 bytes", lineAt, lineEnd - lineAt);
    return;
  }
  if (ruleCount >= RULES_MOST) {
    problem(lineNumber, "more than 5000 rules; passed over", lineAt, lineEnd - lineAt);
    return;
  }
  ruleCount++;
  const rule = out;
  if (!readRedirectLine(lineAt, lineEnd) || !writeRule(rule)) writeFrom(rule);
}

/** Returns whether the rule is understood; if not, a problem has been told, and what was written is to be taken back. */
function writeRule(rule: u32): bool {
  if (load<u8>(from) !== SLASH) {
    const isHost = isUrl(from, fromEnd - from);
    return fail(isHost ? "a host; the rules of a site know paths only" : "no path; it begins with /", from, fromEnd);
  }
  writeFrom(rule + REDIRECT_SIZE);
  if (!compilePattern(from + 1, fromEnd, false)) return false;
  let flags: u8 = isForced ? REDIRECT_FORCED : 0;
  if (isLiteralPattern()) {
    flags |= REDIRECT_LITERAL;
    const literal = out - rule - REDIRECT_SIZE - 1;
    const hash = literal === 0 ? hashBytes(0, 0) : hashBytes(rule + REDIRECT_SIZE + 4, literal - 3);
    store<u32>(rule + REDIRECT_AT_HASH, hash);
  }
  store<u16>(rule + REDIRECT_AT_PATTERN_LENGTH, <u16>(out - rule - REDIRECT_SIZE));
  const parametersAt = out;
  if (parameterWords > 0 && !compileParameters(parameters, parametersEnd)) return false;
  store<u8>(rule + REDIRECT_AT_PARAMETERS, <u8>parameterWords);
  store<u16>(rule + REDIRECT_AT_PARAMETERS_LENGTH, <u16>(out - parametersAt));
  const text = out;
  writeFrom(text); // the target begins a literal of its own
  const isServed = status < 300 || status >= 400;
  if (isServed ? !writeServed() : !compileLocation(target, targetEnd, parameterWords === 0)) return false;
  if (isServed) flags |= REDIRECT_SERVES;
  else if (load<u8>(target) === SLASH) flags |= REDIRECT_HERE;
  if (isServed && isLiteralTarget) expectPage(lineNumber, text, out - text);
  store<u16>(rule + REDIRECT_AT_TARGET_LENGTH, <u16>(out - text));
  store<u16>(rule + REDIRECT_AT_STATUS, <u16>status);
  store<u8>(rule + REDIRECT_AT_FLAGS, flags);
  store<u32>(rule, out - rule);
  if (isForced) forcedCount++;
  return true;
}

function writeServed(): bool {
  if (target === 0) return compileItself(from, fromEnd);
  if (load<u8>(target) === SLASH) return compileServed(target, targetEnd);
  return fail("another host cannot be proxied; use a redirect, such as 302", target, targetEnd);
}

function fail(message: string, at: u32, end: u32): bool {
  problem(lineNumber, message, at, end - at);
  return false;
}
