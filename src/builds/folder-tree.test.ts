import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderTree } from "./folder-tree.ts";
import { importTree } from "./import-tree.ts";
import { MemoryFileStore } from "./memory-file-store.ts";
import type { SourceEntry, SourceTree } from "./source-tree.ts";

function bring(
  tree: SourceTree,
  { folder, files = new MemoryFileStore() }: { folder: string; files?: MemoryFileStore },
) {
  return importTree({ app: "blog", tree, folder, files, signal: new AbortController().signal, progress() {} });
}

async function readAll(tree: SourceTree, entries: SourceEntry[]): Promise<string> {
  let text = "";
  for await (const { content } of tree.read(entries))
    for await (const chunk of content) text += Buffer.from(chunk).toString();
  return text;
}

describe("a folder on disk", () => {
  it("is a source, whatever lies in it", async () => {
    const root = mkdtempSync(join(tmpdir(), "steppe-folder-"));
    try {
      const large = "x".repeat(3 * 1024 * 1024);
      mkdirSync(join(root, "public/sub/empty"), { recursive: true });
      mkdirSync(join(root, "public/.git"), { recursive: true });
      writeFileSync(join(root, "public/.git/config"), "secret");
      writeFileSync(join(root, "public/sub/large"), large);
      for (let index = 0; index < 60; index++) writeFileSync(join(root, `public/f${index}`), `${index}`);
      symlinkSync("sub", join(root, "public/link"));
      symlinkSync("public", join(root, "alias"));
      symlinkSync("/etc", join(root, "out"));
      const files = new MemoryFileStore();
      for (const folder of ["public", "alias", "./public/"]) {
        const tree = await bring(folderTree(root, "blog"), { files, folder });
        expect(tree).toHaveLength(62);
        expect(tree.find(({ path }) => path === "link/large")?.size).toBe(large.length);
        expect((await files.read(tree.find(({ path }) => path === "f7")?.hash ?? Buffer.alloc(0))).toString()).toBe(
          "7",
        );
      }
      for (const [folder, code] of [
        ["nothing", "FOLDER_MISSING"],
        ["public/f1", "FOLDER_MISSING"],
        ["out", "LINK_OUTSIDE"],
        ["..", "LINK_OUTSIDE"],
        ["public/sub/empty", "SITE_EMPTY"],
      ] as const) {
        await expect(bring(folderTree(root, "blog"), { folder })).rejects.toMatchObject({ code });
      }
      symlinkSync("../.git/config", join(root, "public/sub/git"));
      await expect(bring(folderTree(root, "blog"), { folder: "public" })).rejects.toMatchObject({
        code: "LINK_BROKEN",
      });
      rmSync(join(root, "public/sub/git"));
      execFileSync("mkfifo", [join(root, "public/pipe")]);
      await expect(bring(folderTree(root, "blog"), { folder: "public" })).rejects.toMatchObject({
        code: "FILE_UNSUPPORTED",
      });
      rmSync(join(root, "public/pipe"));
      writeFileSync(Buffer.concat([Buffer.from(join(root, "public/caf")), Buffer.of(0xe9)]), "x");
      await expect(bring(folderTree(root, "blog"), { folder: "public" })).rejects.toMatchObject({
        code: "PATH_NOT_UTF8",
      });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it("does not let what changes meanwhile lead out", async () => {
    const root = mkdtempSync(join(tmpdir(), "steppe-folder-"));
    try {
      mkdirSync(join(root, "site/a"), { recursive: true });
      mkdirSync(join(root, "secret"));
      writeFileSync(join(root, "site/a/x"), "public");
      writeFileSync(join(root, "secret/x"), "secret");
      const tree = folderTree(join(root, "site"), "blog");
      symlinkSync("a/x", join(root, "site/link"));
      const entries = await tree.list(".");
      expect(await readAll(tree, entries)).toBe("publica/x");
      rmSync(join(root, "site/a"), { recursive: true });
      symlinkSync("../secret", join(root, "site/a"));
      await expect(readAll(tree, entries)).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
      rmSync(join(root, "site/a"));
      mkdirSync(join(root, "site/a"));
      symlinkSync("../../secret/x", join(root, "site/a/x"));
      // and a link that became a file
      rmSync(join(root, "site/link"));
      writeFileSync(join(root, "site/link"), "x");
      await expect(readAll(tree, entries.slice(-1))).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
      await expect(readAll(tree, entries)).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
