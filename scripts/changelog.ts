import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { argv, stderr } from "node:process";
import { fileURLToPath } from "node:url";
import { formatVersion, parseFragment } from "./changelog/fragments.ts";

/** Gathers the fragments in `.changelog/` as a version of CHANGELOG.md, and removes them: `changelog.ts VERSION`. */
function main(version: string | undefined): number {
  if (version === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
    stderr.write("usage: bin/steppe --run scripts/changelog.ts VERSION\n");
    return 2;
  }
  const root = fileURLToPath(new URL("..", import.meta.url));
  const files = globSync(".changelog/*.md", { cwd: root }).sort();
  const fragments = files.flatMap((file) => parseFragment(readFileSync(`${root}/${file}`, "utf8"), file));
  const page = readFileSync(`${root}/CHANGELOG.md`, "utf8");
  const first = page.search(/^## /m);
  const [head, tail] = first === -1 ? [page, ""] : [page.slice(0, first), page.slice(first)];
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(`${root}/CHANGELOG.md`, `${head.trimEnd()}\n\n${formatVersion(version, date, fragments)}\n${tail}`);
  for (const file of files) rmSync(`${root}/${file}`);
  return 0;
}

process.exitCode = main(argv[2]);
