import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publishBundles } from "../scripts/build/publish-bundles.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

function built(folder: string, name: string, files: Record<string, string>): string {
  const from = join(folder, name);
  mkdirSync(from);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(from, file), content);
  return from;
}

test("publishing leaves entries, chunks, licences and a stamp with the time of the begin", () => {
  using folder = temporaryFolder("build");
  const begin = new Date("2026-01-02T03:04:05Z");
  const from = built(folder.path, ".building-1", { "cli.js": "1", "chunk-AA.js": "a" });
  publishBundles({ from, into: folder.path, begin, licenses: "none" });
  expect(readdirSync(folder.path).sort()).toEqual([".building-1", ".stamp", "chunk-AA.js", "cli.js", "licenses.txt"]);
  expect(statSync(folder.file(".stamp")).mtime).toEqual(begin);
  expect(readdirSync(from)).toEqual([]);
});

test("a build that began before the one that is there is dropped", () => {
  using folder = temporaryFolder("build");
  const newer = built(folder.path, ".building-1", { "cli.js": "newer" });
  const older = built(folder.path, ".building-2", { "cli.js": "older" });
  publishBundles({ from: newer, into: folder.path, begin: new Date(2_000_000), licenses: "" });
  publishBundles({ from: older, into: folder.path, begin: new Date(1_000_000), licenses: "" });
  expect(readFileSync(folder.file("cli.js"), "utf8")).toBe("newer");
});

test("chunks of the build before are kept for programs that run, and older ones removed", () => {
  using folder = temporaryFolder("build");
  writeFileSync(folder.file("chunk-OLD.js"), "");
  writeFileSync(folder.file("chunk-BEFORE.js"), "");
  utimesSync(folder.file("chunk-OLD.js"), 1, 1);
  const from = built(folder.path, ".building-1", { "chunk-NEW.js": "" });
  publishBundles({ from, into: folder.path, begin: new Date(), licenses: "" });
  expect(readdirSync(folder.path).filter((name) => name.startsWith("chunk"))).toEqual([
    "chunk-BEFORE.js",
    "chunk-NEW.js",
  ]);
});

test("the lock of a process that died is taken over", () => {
  using folder = temporaryFolder("build");
  writeFileSync(folder.file(".publishing"), "");
  utimesSync(folder.file(".publishing"), 1, 1);
  publishBundles({ from: built(folder.path, ".building-1", {}), into: folder.path, begin: new Date(), licenses: "" });
  expect(existsSync(folder.file(".publishing"))).toBe(false);
});
