import { PARAMETER_ANY, PARAMETER_CAPTURE, PARAMETER_LITERAL } from "../rules/format";
import { COLON, EQUALS, isBlank, isLetter, isString, PERCENT } from "./ascii";
import { lineNumber } from "./lines";
import { problem } from "./problems";
import { addCapture, escapedByte, findCapture, identifierEnd, NO_CAPTURE } from "./rule-pattern";
import { out, put16, put8 } from "./rule-writer";

/** Compiles the query parameters of a rule, words `name=value`, `name=:placeholder` or `name`. Returns whether they are; if not, a problem has been told. */
export function compileParameters(at: u32, end: u32): bool {
  while (at < end) {
    while (isBlank(load<u8>(at))) at++;
    const word = at;
    while (at < end && !isBlank(load<u8>(at))) at++;
    if (!compileParameter(word, at)) return false;
  }
  return true;
}

function compileParameter(word: u32, end: u32): bool {
  let equals = word;
  while (equals < end && load<u8>(equals) !== EQUALS) equals++;
  if (equals === word) return fail("a parameter without a name", word, end);
  putDecoded(word, equals);
  if (equals === end) {
    put8(PARAMETER_ANY);
    return true;
  }
  const value = equals + 1;
  if (
    end - value > 1 &&
    load<u8>(value) === COLON &&
    isLetter(load<u8>(value, 1)) &&
    identifierEnd(value + 1, end) === end
  ) {
    return putCapture(value + 1, end);
  }
  put8(PARAMETER_LITERAL);
  putDecoded(value, end);
  return true;
}

function putCapture(name: u32, end: u32): bool {
  if (isString(name, end - name, "splat")) return fail("a placeholder :splat, which * is called", name, end);
  if (findCapture(name, end - name) !== NO_CAPTURE) return fail("a placeholder that comes twice", name, end);
  const capture = addCapture(name, end - name);
  if (capture === NO_CAPTURE) return false;
  put8(PARAMETER_CAPTURE);
  put8(<u8>capture);
  return true;
}

/** Writes a text, its escapes decoded, with its length before it. */
function putDecoded(at: u32, end: u32): void {
  const length = out;
  put16(0);
  while (at < end) {
    const byte = load<u8>(at) === PERCENT ? escapedByte(at, end) : 0;
    put8(byte === 0 ? load<u8>(at) : byte);
    at += byte === 0 ? 1 : 3;
  }
  store<u16>(length, <u16>(out - length - 2));
}

function fail(message: string, at: u32, end: u32): bool {
  problem(lineNumber, message, at, end - at);
  return false;
}
