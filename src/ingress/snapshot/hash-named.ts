/**
 * Whether a file's name carries a hash of its content, as bundlers give them: `app.3f9a1c2b.js`, `index-B7xYz_9a.css`.
 * "sure" means that caches may keep it for a year, so that a wrong guess would hurt: it wants a pattern that no
 * word or date has. "perhaps" only means that it stays reachable for a while after a newer release took over.
 */
export type HashNamed = "sure" | "perhaps" | "no";

/** Folders in which bundlers put nothing but files that never change. */
const IMMUTABLE_FOLDERS = /(?:^|\/)(?:_next\/static|_app\/immutable)\//;

export function hashNamed(path: string): HashNamed {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (/\.x?html?$/i.test(name)) return "no";
  if (IMMUTABLE_FOLDERS.test(path)) return "sure";
  const parts = name.split(".");
  if (parts.length < 2) return "no";
  let best: HashNamed = "no";
  // The hash may be followed by more than the extension: `main.3f9a1c2b.chunk.js.map`.
  for (const part of parts.slice(0, -1)) {
    const verdict = judge(part, part === parts[0]);
    if (verdict === "sure") return "sure";
    if (verdict === "perhaps") best = "perhaps";
  }
  return best;
}

/** @param first whether it is the part before the first dot, where a hash mostly follows a hyphen or underscore */
function judge(part: string, first: boolean): HashNamed {
  const hex = /(?:^|[-_])([0-9a-f]{8,128})$/.exec(part)?.[1];
  if (hex !== undefined) return judgeHex(hex, first && hex === part);
  // Eight characters of base64url (Vite, Rollup) or base32 (esbuild), after a hyphen or a dot.
  const token = /(?:^|-)([A-Za-z0-9_-]{8})$/.exec(part)?.[1];
  return token === undefined || (first && token === part) ? "no" : judgeToken(token);
}

/** Hexadecimal, from webpack, Parcel, Hugo, Rails, rustdoc: no date has letters, no word has two digits between them. */
function judgeHex(hex: string, wholeName: boolean): HashNamed {
  const digits = hex.replace(/\D/g, "").length;
  if (digits === hex.length || digits === 0) return "no";
  return digits >= 2 && changesOfClass(hex) >= 2 && (!wholeName || hex.length >= 16) ? "sure" : "perhaps";
}

function judgeToken(token: string): HashNamed {
  const changes = changesOfClass(token);
  if (changes >= 4 || (changes >= 2 && /^[A-Z2-7]+$/.test(token))) return "sure";
  return /^(?:[A-Z]?[a-z]+|\d+)$/.test(token) ? "no" : "perhaps";
}

/** How often upper case, lower case, digits and the rest follow each other: often in a hash, seldom in a word. */
function changesOfClass(token: string): number {
  let changes = 0;
  for (let i = 1; i < token.length; i++) {
    if (characterClass(token.charAt(i)) !== characterClass(token.charAt(i - 1))) changes++;
  }
  return changes;
}

function characterClass(character: string): "upper" | "lower" | "digit" | "other" {
  if (character >= "a" && character <= "z") return "lower";
  if (character >= "A" && character <= "Z") return "upper";
  return character >= "0" && character <= "9" ? "digit" : "other";
}
