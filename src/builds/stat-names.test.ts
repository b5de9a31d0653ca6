import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { describe, expect, test } from "vitest";
import { passFileTick } from "../../test/support/file-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { folderTree } from "./folder-tree.ts";
import { StatNames } from "./stat-names.ts";

/** So that all files count as old; which they are, since the tests let the clock of files go on before they change one. */
const LATER = 10_000;

/** Seconds since 1970; whole, so that it can be set again exactly. */
const TIME = 1_700_000_000;

/** The names of a folder's contents by path. */
async function namesIn(folder: TemporaryFolder): Promise<Record<string, string | undefined>> {
  passFileTick(folder.path);
  const entries = await folderTree(folder.path, "site", { now: Date.now() + LATER }).list(".");
  return Object.fromEntries(entries.map(({ path, oid }) => [path.toString(), oid?.toString("hex")]));
}

describe("a file of a folder", () => {
  test.each<[string, (folder: TemporaryFolder) => void]>([
    ["was written with other bytes", (folder) => writeFileSync(folder.file("a"), "other")],
    ["was written with the same bytes", (folder) => writeFileSync(folder.file("a"), "bytes")],
    ["was appended to", (folder) => appendFileSync(folder.file("a"), "!")],
    [
      "was changed, and its time set back",
      (folder) => {
        writeFileSync(folder.file("a"), "other");
        utimesSync(folder.file("a"), TIME, TIME);
      },
    ],
    [
      "was replaced by one of the same size and time",
      (folder) => {
        writeFileSync(folder.file("b"), "other");
        utimesSync(folder.file("b"), TIME, TIME);
        renameSync(folder.file("b"), folder.file("a"));
      },
    ],
    ["got another mode", (folder) => chmodSync(folder.file("a"), 0o600)],
  ])("that %s has another name", async (_, change) => {
    using folder = temporaryFolder("names");
    writeFileSync(folder.file("a"), "bytes");
    writeFileSync(folder.file("same"), "bytes");
    utimesSync(folder.file("a"), TIME, TIME);
    const before = await namesIn(folder);
    change(folder);
    const after = await namesIn(folder);
    expect(before["a"]).toMatch(/^[0-9a-f]{80}$/);
    expect(after["a"]).toMatch(/^[0-9a-f]{80}$/);
    expect(after["a"]).not.toBe(before["a"]);
    expect(after["same"]).toBe(before["same"]);
  });

  test("has the name of the others that are the same file", async () => {
    using folder = temporaryFolder("names");
    writeFileSync(folder.file("a"), "bytes");
    linkSync(folder.file("a"), folder.file("b"));
    const names = await namesIn(folder);
    expect(names["a"]).toBe(names["b"]);
  });

  test("that was changed lately, or has a time of the future, has no name", () => {
    using folder = temporaryFolder("names");
    writeFileSync(folder.file("a"), "bytes");
    const stat = lstatSync(folder.file("a"), { bigint: true });
    const name = (now: number, times: { ctimeNs?: bigint; mtimeNs?: bigint } = {}): Buffer | null =>
      new StatNames(now).nameOf(Object.assign(Object.create(stat) as typeof stat, stat, times), stat.dev);
    const now = 2_000_000_000_000;
    const at = (before: number): bigint => BigInt(now - before) * 1_000_000n + 1n;
    expect(name(now, { ctimeNs: at(200), mtimeNs: at(5000) })).not.toBeNull();
    expect(name(now, { ctimeNs: at(100), mtimeNs: at(5000) })).toBeNull();
    expect(name(now, { ctimeNs: at(5000), mtimeNs: at(100) })).toBeNull();
    expect(name(now, { ctimeNs: at(-5000), mtimeNs: at(5000) })).toBeNull();
    // Whole seconds: perhaps it knows no others.
    expect(name(now, { ctimeNs: at(1000) - 1n, mtimeNs: at(5000) })).toBeNull();
    expect(name(now, { ctimeNs: at(3000) - 1n, mtimeNs: at(5000) })).not.toBeNull();
    // Of another device than its folder: it is mounted there.
    expect(new StatNames(now).nameOf(stat, stat.dev + 1n)).toBeNull();
  });

  test("has no name on a file system that is none of a disk", () => {
    const names = new StatNames(Date.now());
    const deviceOf = (path: string): bigint | null => {
      const folder = openSync(path, "r");
      try {
        return names.deviceOf(folder);
      } finally {
        closeSync(folder);
      }
    };
    using folder = temporaryFolder("names");
    expect(deviceOf("/proc")).toBeNull();
    expect(deviceOf(folder.path)).toBe(statSync(folder.path, { bigint: true }).dev);
  });

  test("that is not what was listed is not read", async () => {
    using folder = temporaryFolder("names");
    writeFileSync(folder.file("a"), "bytes");
    passFileTick(folder.path);
    const tree = folderTree(folder.path, "site", { now: Date.now() + LATER });
    const entries = (await tree.list(".")).filter(({ path }) => path.toString() === "a");
    writeFileSync(folder.file("a"), "other");
    const read = async (): Promise<void> => {
      for await (const { content } of tree.read(entries)) for await (const _ of content);
    };
    await expect(read()).rejects.toMatchObject({
      code: "FILE_UNSUPPORTED",
      reason: "`a` was replaced or changed while it was read",
    });
  });
});
