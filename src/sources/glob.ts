/**
 * Whether a whole name matches a pattern: `*` is any run of characters (a `/` too), `?` is one, `[a-z]` one of a set, `[!a-z]` one
 * that is not. Takes time in the product of both lengths at worst, whatever the pattern.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  const wanted = parse(pattern);
  const characters = [...name];
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    const matcher = wanted[token];
    if (matcher === "*") {
      star = token++;
      starAt = at;
    } else if (matcher?.(characters[at] ?? "") === true) {
      token++;
      at++;
    } else if (star !== -1) {
      token = star + 1;
      at = ++starAt; // the last star takes one more
    } else {
      return false;
    }
  }
  while (wanted[token] === "*") token++;
  return token === wanted.length;
}

type Token = "*" | ((character: string) => boolean);

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    const close = character === "[" ? endOfSet(characters, at) : -1;
    if (character === "*") tokens.push("*");
    else if (character === "?") tokens.push(() => true);
    else if (close !== -1) {
      tokens.push(set(characters.slice(at + 1, close)));
      at = close;
    } else tokens.push((other) => other === character);
  }
  return tokens;
}

/** A `]` that comes first belongs to the set; a `[` without its end stands for itself. */
function endOfSet(characters: readonly string[], open: number): number {
  const negated = characters[open + 1] === "!" || characters[open + 1] === "^";
  return characters.indexOf("]", open + (negated ? 3 : 2));
}

function set(characters: string[]): (character: string) => boolean {
  const negated = characters[0] === "!" || characters[0] === "^";
  const members = negated ? characters.slice(1) : characters;
  const ranges: Array<[string, string]> = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? "";
    const isRange = members[at + 1] === "-" && at + 2 < members.length;
    ranges.push([from, isRange ? (members[at + 2] ?? "") : from]);
    if (isRange) at += 2;
  }
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== negated;
}
