import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const page = readFileSync(fileURLToPath(new URL("../../../docs/static-image.md", import.meta.url)), "utf8");
const source = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");

function all(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, name = ""]) => name);
}

test("docs/static-image.md lists every flag, and no other", () => {
  const flags = all(source("options.c"), /^ {4}\{"([a-z-]+)", /gm);
  expect(flags.length).toBeGreaterThan(10);
  expect(all(page, /^\| `-([a-z-]+)` /gm).toSorted()).toEqual(flags.toSorted());
});

test("docs/static-image.md tells of every metric", () => {
  const names = [...new Set(all(source("metrics.c"), /"((?:steppe|statigo)_[a-z_]+)"/g))];
  expect(names.length).toBeGreaterThan(10);
  const shortened = page.replaceAll(/`(steppe_connections)_accepted_total`, `(\w+)`, `(\w+)`/g, "$& $1$2 $1$3");
  expect(names.filter((name) => !shortened.includes(name))).toEqual([]);
});
