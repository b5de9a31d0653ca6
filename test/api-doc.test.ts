import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8");

/** Method and path, without the query. */
type Route = string;

function routesOf(text: string, pattern: RegExp): Route[] {
  return [...text.matchAll(pattern)].map(([, method, path = ""]) => `${method} ${path.split("?")[0]}`).sort();
}

test("docs/api.md has the requests that src/api/types.ts lists, and no others", () => {
  const documented = routesOf(read("docs/api.md"), /^\| `([A-Z*]+) (\/\S+)` /gm);
  const listed = routesOf(read("src/api/types.ts"), /^ \* {5}([A-Z*]+) +(\/\S+)/gm);
  expect(listed.length).toBeGreaterThan(15);
  expect(documented).toEqual(listed);
});
