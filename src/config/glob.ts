import type { Parsed } from "./parsed.ts";

const MOST_ALTERNATIVES = 64;

type Token =
  | { kind: "text"; character: string }
  | { kind: "one" }
  | { kind: "many" }
  | { kind: "class"; negated: boolean; ranges: Array<readonly [number, number]> };

/**
 * Whether a tag or branch name matches a pattern. `*` is any number of characters, also `/`; `?` is one; `[a-z]` is
 * one of a class and `[!a-z]` one not in it; `{a,b}` is `a` or `b`. The whole name must match. A pattern that is not
 * valid (see `parseGlob`) matches nothing.
 *
 * Takes at most the product of both lengths in steps, whatever the pattern: only the last `*` is ever tried again.
 */
export function matchGlob(pattern: string, name: string): boolean {
  const alternatives = tokenize(pattern);
  if ("problem" in alternatives) return false;
  const characters = Array.from(name);
  return alternatives.value.some((tokens) => matchTokens(tokens, characters));
}

/** Checks a pattern; its value is the pattern itself. */
export function parseGlob(pattern: string): Parsed<string> {
  const tokens = tokenize(pattern);
  return "problem" in tokens ? tokens : { value: pattern };
}

function matchTokens(tokens: readonly Token[], characters: readonly string[]): boolean {
  let token = 0;
  let character = 0;
  let star = -1;
  let afterStar = 0;
  while (character < characters.length) {
    const current = tokens[token];
    if (current?.kind === "many") {
      star = token++;
      afterStar = character;
    } else if (current !== undefined && matchOne(current, characters[character] ?? "")) {
      token++;
      character++;
    } else if (star >= 0) {
      token = star + 1;
      character = ++afterStar;
    } else {
      return false;
    }
  }
  while (tokens[token]?.kind === "many") token++;
  return token === tokens.length;
}

function matchOne(token: Token, character: string): boolean {
  if (token.kind === "text") return token.character === character;
  if (token.kind === "one") return true;
  if (token.kind === "many") return false;
  const code = character.codePointAt(0) ?? 0;
  return token.ranges.some(([first, last]) => code >= first && code <= last) !== token.negated;
}

function tokenize(pattern: string): Parsed<Token[][]> {
  if (pattern === "") return { problem: "is empty" };
  if (pattern.length > 255) return { problem: "is longer than 255 characters" };
  const plain = expandBraces(pattern);
  if ("problem" in plain) return plain;
  const result: Token[][] = [];
  for (const alternative of plain.value) {
    const tokens = tokenizePlain(Array.from(alternative));
    if ("problem" in tokens) return tokens;
    result.push(tokens.value);
  }
  return { value: result };
}

/** `v{1,2}.*` to `v1.*` and `v2.*`. Braces do not nest. */
function expandBraces(pattern: string): Parsed<string[]> {
  let heads = [""];
  let rest = pattern;
  for (;;) {
    const open = rest.search(/[{}]/);
    if (open < 0) return { value: heads.map((head) => head + rest) };
    const close = rest.indexOf("}", open);
    const inner = rest.slice(open + 1, close);
    if (rest[open] === "}" || close < 0) return { problem: "has a `{` or `}` without its other half" };
    if (inner.includes("{")) return { problem: "has braces within braces" };
    const before = rest.slice(0, open);
    heads = heads.flatMap((head) => inner.split(",").map((choice) => head + before + choice));
    if (heads.length > MOST_ALTERNATIVES) return { problem: `has more than ${MOST_ALTERNATIVES} alternatives` };
    rest = rest.slice(close + 1);
  }
}

function tokenizePlain(characters: readonly string[]): Parsed<Token[]> {
  const tokens: Token[] = [];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (character === "*") {
      if (tokens.at(-1)?.kind !== "many") tokens.push({ kind: "many" });
    } else if (character === "?") {
      tokens.push({ kind: "one" });
    } else if (character === "[") {
      // `]` straight after `[` or `[!` is itself a member, as in POSIX.
      const first = index + (characters[index + 1] === "!" ? 2 : 1);
      const close = characters.indexOf("]", first + 1);
      if (close < 0) return { problem: "has a `[` without its `]`" };
      const ranges = readRanges(characters.slice(first, close));
      if (ranges === undefined) return { problem: "has a range that runs backwards" };
      tokens.push({ kind: "class", negated: first === index + 2, ranges });
      index = close;
    } else {
      tokens.push({ kind: "text", character });
    }
  }
  return { value: tokens };
}

function readRanges(members: readonly string[]): Array<readonly [number, number]> | undefined {
  const ranges: Array<readonly [number, number]> = [];
  for (let index = 0; index < members.length; index++) {
    const first = members[index]?.codePointAt(0) ?? 0;
    const isRange = members[index + 1] === "-" && index + 2 < members.length;
    const last = isRange ? (members[index + 2]?.codePointAt(0) ?? 0) : first;
    if (last < first) return undefined;
    ranges.push([first, last]);
    if (isRange) index += 2;
  }
  return ranges;
}
