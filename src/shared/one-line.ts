import { printable } from "./style.ts";

const MOST_CHARACTERS = 300;

/** What somebody else's program said, as one line that can be shown: no more than 300 characters, nothing that a terminal obeys. */
export function oneLine(text: string): string {
  const line = printable(text).replace(/\s+/g, " ").trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}
