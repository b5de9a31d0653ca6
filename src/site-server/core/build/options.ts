import { OPTION_CACHE, OPTION_CACHE_IMMUTABLE, OPTION_FALLBACK, OPTION_INDEX, OPTION_NOT_FOUND } from "../layout";
import { take, top } from "./arena";
import { putString, SLASH } from "./ascii";
import { isFieldValue } from "./field-names";
import { problem } from "./problems";

/** `Cache-Control` has at most so many bytes. */
const CACHE_MOST: u32 = 512;
const OPTION_COUNT: u32 = 5;

/** OPTION_COUNT x (u32 address, u32 length). Before each text stands a slash: with it, a folder and the index's name make a path. */
const texts = memory.data(40);

export function optionAt(option: u32): u32 {
  return load<u32>(texts + option * 8);
}

export function optionLength(option: u32): u32 {
  return load<u32>(texts + option * 8, 4);
}

/** Fills in the defaults. */
export function defaultOptions(): void {
  setString(OPTION_INDEX, "index.html");
  setString(OPTION_NOT_FOUND, "404.html");
  setString(OPTION_FALLBACK, "");
  setString(OPTION_CACHE, "no-cache");
  setString(OPTION_CACHE_IMMUTABLE, "public, max-age=31536000, immutable");
}

function setString(option: u32, text: string): void {
  store<u8>(top, SLASH);
  const length = putString(text, top + 1) - top - 1;
  setText(option, take(length + 1) + 1, length);
}

function setText(option: u32, at: u32, length: u32): void {
  store<u32>(texts + option * 8, at);
  store<u32>(texts + option * 8, length, 4);
}

/** Takes a text over, which stays where it is, with a byte before it that is free. A value that no field may have is told of, and passed over. */
export function changeOption(option: u32, at: u32, length: u32): void {
  if (option >= OPTION_COUNT) return;
  const isCache = option === OPTION_CACHE || option === OPTION_CACHE_IMMUTABLE;
  if (isCache && (length > CACHE_MOST || !isFieldValue(at, length))) {
    problem(0, "no value for Cache-Control", at, length);
    return;
  }
  store<u8>(at - 1, SLASH);
  setText(option, at, length);
}
