import { BANG, HASH, isBlank, isDigit, SLASH, STAR } from "./ascii";
import { lineNumber } from "./lines";
import { problem } from "./problems";
import { isUrl } from "./url-prefix";

/** The parts of the line that `readRedirectLine` read: `from [parameters] [target] [status[!]]`, comments left away. */
export let from: u32 = 0;
export let fromEnd: u32 = 0;
/** 0 if the rule has none: what it stands for is served as it is (`/docs/* 200`). */
export let target: u32 = 0;
export let targetEnd: u32 = 0;
/** The text between `from` and `target`, and how many words are in it. */
export let parameters: u32 = 0;
export let parametersEnd: u32 = 0;
export let parameterWords: u32 = 0;
export let status: u32 = 0;
/** The rule comes before the files of the site. */
export let isForced: bool = false;

/** Netlify's. Cloudflare's is 302. */
const STATUS_DEFAULT: u32 = 301;

let word: u32 = 0;
let wordEnd: u32 = 0;
let cursor: u32 = 0;
let lineStop: u32 = 0;

/** Reads a line. Returns whether it is a rule; if not, a problem has been told. */
export function readRedirectLine(at: u32, end: u32): bool {
  cursor = at;
  lineStop = end;
  nextWord();
  from = word;
  fromEnd = wordEnd;
  if (!nextWord()) return fail("no target", from, fromEnd);
  target = 0;
  targetEnd = 0;
  parameterWords = 0;
  status = STATUS_DEFAULT;
  isForced = false;
  if (!isStatus()) {
    if (!readTarget()) return false;
    if (!nextWord()) return true;
  } else if (load<u8>(fromEnd - 1) !== STAR || load<u8>(word) !== 0x32) {
    return fail("no target", word, wordEnd);
  }
  if (!readStatus()) return false;
  return !nextWord() || fail("conditions (Country, Language, Role, Cookie) are not understood", word, end);
}

/** Goes over the parameters to the target. */
function readTarget(): bool {
  parameters = word;
  while (load<u8>(word) !== SLASH && !isUrl(word, wordEnd - word)) {
    parametersEnd = wordEnd;
    parameterWords++;
    if (!nextWord()) return fail("no target; it begins with /, http:// or https://", parameters, lineStop);
  }
  target = word;
  targetEnd = wordEnd;
  return true;
}

function isStatus(): bool {
  for (let at = word; at < wordEnd; at++) {
    if (!isDigit(load<u8>(at)) && (at === word || at + 1 !== wordEnd || load<u8>(at) !== BANG)) return false;
  }
  return true;
}

function readStatus(): bool {
  if (!isStatus()) {
    const condition = isPair();
    return fail(
      condition ? "conditions (Country, Language, Role, Cookie) are not understood" : "no status",
      word,
      lineStop,
    );
  }
  let value: u32 = 0;
  for (let at = word; at < wordEnd && at < word + 4; at++) {
    if (isDigit(load<u8>(at))) value = value * 10 + load<u8>(at) - 0x30;
  }
  status = value;
  isForced = load<u8>(wordEnd - 1) === BANG;
  return isKnownStatus(value) || fail("no status that a rule may give", word, wordEnd);
}

/** Redirects, a rewrite, and pages that say why there is nothing. */
function isKnownStatus(value: u32): bool {
  if (value === 301 || value === 302 || value === 303 || value === 307 || value === 308) return true;
  return value === 200 || value === 403 || value === 404 || value === 410 || value === 451 || value === 503;
}

function isPair(): bool {
  for (let at = word; at < wordEnd; at++) if (load<u8>(at) === 0x3d) return true;
  return false;
}

/** Goes to the next word of the line. A comment ends it. */
function nextWord(): bool {
  while (cursor < lineStop && isBlank(load<u8>(cursor))) cursor++;
  if (cursor === lineStop || load<u8>(cursor) === HASH) {
    cursor = lineStop;
    return false;
  }
  word = cursor;
  while (cursor < lineStop && !isBlank(load<u8>(cursor))) cursor++;
  wordEnd = cursor;
  return true;
}

function fail(message: string, at: u32, end: u32): bool {
  problem(lineNumber, message, at, end - at);
  return false;
}
