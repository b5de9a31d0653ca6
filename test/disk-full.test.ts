import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leftovers } from "./soak/leftovers.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/temporary-folder.ts";
import { TestApp } from "./support/test-app.ts";

const isRoot = process.getuid?.() === 0;
let folder: TemporaryFolder;
let disk: string | undefined;
let steppe: RunningSteppe;
let app: TestApp;

beforeAll(async () => {
  if (!isRoot) return;
  folder = temporaryFolder("disk-full");
  disk = mountTmpfs(folder.path, "48m");
  if (disk === undefined) return;
  steppe = await startSteppe({ data: join(disk, "data") });
  app = await TestApp.add(steppe, "full", folder.file("full"), ["--build", "sh build.sh", "--output", "out"]);
  await app.release("good", { "build.sh": "mkdir out && echo good > out/index.html" });
}, 90_000);

afterAll(async () => {
  await steppe?.stop();
  if (disk !== undefined) execFileSync("umount", [disk]);
  folder?.[Symbol.dispose]();
});

/** A file system of its own, or undefined in a container that may not mount. */
function mountTmpfs(parent: string, size: string): string | undefined {
  const path = join(parent, "disk");
  execFileSync("mkdir", [path]);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", path], { stdio: "ignore" });
    return path;
  } catch {
    return undefined;
  }
}

test.skipIf(!isRoot).for([
  ["in its output", "mkdir out; dd if=/dev/urandom of=out/big bs=1M count=100", "build full@%: the disk is full"],
  [
    "in its folder for temporary files",
    "dd if=/dev/zero of=/tmp/big bs=1M count=100",
    "build full@%: the disk is full",
  ],
  ["and does not say so", "mkdir out; dd if=/dev/zero of=out/big bs=1M count=100; true", "no space left on the disk"],
  [
    "only as its site is stored",
    "mkdir out; echo x > out/index.html; dd if=/dev/urandom of=out/big bs=1M count=26",
    "no space left on the disk",
  ],
] as const)("a build that fills the disk %s", async ([what, script, cause], context) => {
  if (disk === undefined) context.skip("this machine does not let root mount a tmpfs");
  const tag = what.replaceAll(" ", "-");
  const { code, lines } = await app.release(tag, { "build.sh": script });
  expect(code).toBe(0);
  const at = lines.findIndex((line) => line.startsWith("error: "));
  expect(lines[at]).toContain(cause.replace("%", tag));
  expect(lines[at + 1]).toContain("Free some space; `steppe status` shows what Steppe uses.");
  expect(lines.slice(at + 2)).toEqual(["  Release 1 of full goes on serving."]);
  expect(await app.text()).toBe("good\n");
  expect(await leftovers(steppe)).toEqual([]);
});

test.skipIf(!isRoot)("a push that does not fit is refused by git, and leaves nothing", async (context) => {
  if (disk === undefined) context.skip("this machine does not let root mount a tmpfs");
  const objects = join(steppe.data, "repositories", "full.git", "objects", "pack");
  const before = readdirSync(objects);
  await app.repository.commit({ "fill.sh": "head -c 60000000 /dev/urandom > big.bin" });
  execFileSync("sh", ["fill.sh"], { cwd: app.repository.folder });
  await app.repository.tag("large");
  const { code, text } = await app.push("large");
  expect(code).not.toBe(0);
  expect(text).toContain("No space left on device");
  expect(readdirSync(objects)).toEqual(before);
  expect(await app.text()).toBe("good\n");
});

test.skipIf(!isRoot)("afterwards the next tag deploys", async (context) => {
  if (disk === undefined) context.skip("this machine does not let root mount a tmpfs");
  await app.repository.git("checkout", "--quiet", "--orphan", "small");
  const { lines } = await app.release("better", { "build.sh": "mkdir out && echo better > out/index.html" });
  expect(lines.at(-2)).toMatch(/live$/);
  expect(await app.text()).toBe("better\n");
});
