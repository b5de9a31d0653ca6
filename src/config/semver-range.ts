import semverRange from "semver/ranges/valid.js";
import type { Parsed } from "./parsed.ts";

/** Checks a range of versions as npm has it (https://github.com/npm/node-semver#ranges): `^1.2`, `>=2 <4`, `1.x || 3.x`. */
export function parseSemverRange(text: string): Parsed<string> {
  const range = text.trim().replace(/\s+/g, " ");
  if (range === "") return { problem: "is empty; `*` is every version" };
  if (range.length > 255) return { problem: "is longer than 255 characters" };
  if (semverRange(range) === null) return { problem: "is no range of versions; write `^1.2`, `1.x` or `>=2.0 <4.0`" };
  return { value: range };
}
