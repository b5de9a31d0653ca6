import { CAPTURE_PATH, TEXT_CAPTURE } from "../rules/format";
import { COLON, isLetter } from "./ascii";
import { findCapture, identifierEnd, NO_CAPTURE } from "./rule-pattern";
import { put8, putLiteral } from "./rule-writer";

/** A capture is reckoned to be so long, percent-encoded, where lengths are bounded. */
const CAPTURE_BYTES: u32 = 256;

/** Compiles the value of a field: `:splat` and the pattern's placeholders stand for what they captured. Returns how many bytes it is reckoned to have. */
export function compileValue(value: u32, length: u32): u32 {
  const end = value + length;
  let bytes: u32 = 0;
  let at = value;
  while (at < end) {
    const stop = placeholderEnd(at, end);
    if (stop === 0) {
      putLiteral(load<u8>(at));
      at++;
      bytes++;
    } else {
      put8(TEXT_CAPTURE);
      put8(<u8>findCapture(at + 1, stop - at - 1));
      put8(CAPTURE_PATH);
      at = stop;
      bytes += CAPTURE_BYTES;
    }
  }
  return bytes;
}

/** Where a placeholder that begins here ends; 0 if there is none, or none that the pattern knows. */
export function placeholderEnd(at: u32, end: u32): u32 {
  if (load<u8>(at) !== COLON || end - at < 2 || !isLetter(load<u8>(at + 1))) return 0;
  const stop = identifierEnd(at + 1, end);
  return findCapture(at + 1, stop - at - 1) === NO_CAPTURE ? 0 : stop;
}
