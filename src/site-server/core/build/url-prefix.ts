import { isWord } from "./ascii";

/** Whether a text begins like a URL of the web. */
export function isUrl(at: u32, length: u32): bool {
  return (length >= 8 && isWord(at, 8, "https://")) || (length >= 7 && isWord(at, 7, "http://"));
}
