/** One way in that a server offers. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names in lower case. */
  parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
/** What Negotiate and its like put in place of parameters. */
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const SPACE = /[ \t]*/y;

/**
 * Reads `WWW-Authenticate`, which may hold several challenges whose commas are those of their parameters, too (RFC 9110, 11.6.1).
 * What cannot be read ends it: what came before counts.
 */
export function parseChallenges(field: string): Challenge[] {
  const challenges: Challenge[] = [];
  const scan = new Scanner(field);
  for (;;) {
    while (scan.take(SPACE) !== undefined && scan.skip(","));
    const scheme = scan.take(TOKEN);
    if (scheme === undefined) return challenges;
    const parameters = new Map<string, string>();
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    scan.take(SPACE);
    if (scan.take(TOKEN68) !== undefined) continue;
    while (readParameter(scan, parameters));
  }
}

/** Reads `name=value` and the comma after it. False, with nothing taken, where another challenge or the end is. */
function readParameter(scan: Scanner, parameters: Map<string, string>): boolean {
  const begin = scan.at;
  while (scan.take(SPACE) !== undefined && scan.skip(","));
  const name = scan.take(TOKEN);
  scan.take(SPACE);
  if (name === undefined || !scan.skip("=")) {
    scan.at = begin;
    return false;
  }
  scan.take(SPACE);
  const quoted = scan.take(QUOTED);
  const value = quoted === undefined ? scan.take(TOKEN) : quoted.slice(1, -1).replace(/\\([\s\S])/g, "$1");
  if (value === undefined) {
    scan.at = scan.text.length;
    return false;
  }
  parameters.set(name.toLowerCase(), value);
  return true;
}

class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Takes what a sticky pattern matches here. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }
}
