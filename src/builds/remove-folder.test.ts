import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeFolder } from "./remove-folder.ts";

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "steppe-remove-"));
  return { path, [Symbol.dispose]: () => void execFileSync("rm", ["-rf", path]) };
}

test("folders deeper than the longest path are removed", async () => {
  using folder = temporaryFolder();
  const name = "d".repeat(200);
  // From within, a piece at a time: no single path may be longer than 4,096 bytes.
  const piece = Array<string>(15).fill(name).join("/");
  const script = Array<string>(4).fill(`mkdir -p ${piece} && cd -P ${piece}`).join(" && ");
  execFileSync("/bin/sh", ["-c", `${script} && : > file`], { cwd: folder.path });
  await removeFolder(join(folder.path, name));
  expect(existsSync(join(folder.path, name))).toBe(false);
});

test("folders that nobody may write are removed, and what links lead to is left alone", async () => {
  using folder = temporaryFolder();
  const victim = join(folder.path, "victim");
  const build = join(folder.path, "build");
  mkdirSync(victim);
  writeFileSync(join(victim, "file"), "kept");
  mkdirSync(join(build, "a", "b"), { recursive: true });
  execFileSync("/bin/sh", ["-c", `ln -s "${victim}" link && touch a/b/f && chmod 0 a/b a`], { cwd: build });
  await removeFolder(build);
  expect(existsSync(build)).toBe(false);
  expect(existsSync(join(victim, "file"))).toBe(true);
});

test("a folder that is not there is fine", async () => {
  using folder = temporaryFolder();
  await removeFolder(join(folder.path, "none"));
  rmSync(folder.path, { recursive: true });
  await removeFolder(folder.path);
});
