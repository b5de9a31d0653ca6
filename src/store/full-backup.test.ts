import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";

import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock } from "../shared/clock.ts";
import { runCommand } from "../shared/run-command.ts";
import { backupStore } from "./backup.ts";
import { dataPaths, type DataPaths, openDataFolder } from "./data-folder.ts";
import { createFullBackup } from "./full-backup.ts";
import { restoreBackup } from "./restore-backup.ts";
import { snapshotRepository } from "./snapshot-repository.ts";
import { Store } from "./store.ts";

const clock = new FakeClock();
const unheld = <Result>(work: () => Promise<Result>): Promise<Result> => work();

/** A data folder with something of everything in it. */
function fill(root: string): DataPaths {
  openDataFolder(root).close();
  const paths = dataPaths(root);
  writeFileSync(paths.token, "token\n", { mode: 0o600 });
  writeFileSync(`${paths.packs}/1.pack`, randomBytes(3000));
  writeFileSync(`${paths.packs}/unknown.pack`, "not in the store");
  writeFileSync(`${paths.images}/abc.tree`, "image", { mode: 0o600 });
  writeFileSync(`${paths.images}/def.tree.1.2.tmp`, "half");
  mkdirSync(`${paths.oci}/blobs/sha256`, { recursive: true });
  writeFileSync(`${paths.oci}/blobs/sha256/${"cc".repeat(32)}`, "blob", { mode: 0o600 });
  writeFileSync(`${paths.oci}/index.json`, "{}");
  writeFileSync(`${paths.oci}/blob-12.tmp`, "half");
  writeFileSync(`${paths.ca}/local-ca.pem`, "key and certificate");
  writeFileSync(`${paths.certificates}/a.test-1.pem`, "certificate");
  writeFileSync(`${paths.ingress}/snapshot.json`, "{}");
  writeFileSync(`${paths.logs}/access-1.log`, "log");
  mkdirSync(`${paths.repositories}/blog.git/objects/aa`, { recursive: true });
  mkdirSync(`${paths.repositories}/blog.git/refs/tags`, { recursive: true });
  mkdirSync(`${paths.repositories}/blog.git/hooks`, { recursive: true });
  writeFileSync(`${paths.repositories}/blog.git/HEAD`, "ref: refs/heads/main\n");
  writeFileSync(`${paths.repositories}/blog.git/refs/tags/v1`, "aa".repeat(20));
  writeFileSync(`${paths.repositories}/blog.git/refs/tags/v2.lock`, "half");
  writeFileSync(`${paths.repositories}/blog.git/objects/aa/${"bb".repeat(19)}`, "object");
  writeFileSync(`${paths.repositories}/blog.git/objects/aa/tmp_obj_123`, "half");
  writeFileSync(`${paths.repositories}/blog.git/hooks/post-receive`, "#!/bin/sh");
  using store = Store.open(paths.database);
  store.run("INSERT INTO settings VALUES ('name', 'kept')");
  store.run("INSERT INTO packs (name, bytes, created_at) VALUES ('1.pack', 3000, 1)");
  store.run("INSERT INTO files (hash, pack, offset, size) VALUES (x'01', 1, 0, 10)");
  return paths;
}

async function writeBackup(paths: DataPaths, file: string): Promise<void> {
  using store = Store.open(paths.database);
  const options = { database: store.database, paths, version: "1.2.3", clock, holdGarbageCollection: unheld };
  await pipeline(await createFullBackup(options), createWriteStream(file));
}

/** A small backup, as bytes. */
async function smallBackup(folder: TemporaryFolder): Promise<{ file: string; bytes: Buffer }> {
  const file = folder.file("backup.tar");
  await writeBackup(fill(folder.file("data")), file);
  return { file, bytes: readFileSync(file) };
}

describe("a full backup", () => {
  test("restored into an absent folder is all that matters, and private", async () => {
    await using folder = temporaryFolder();
    const { file } = await smallBackup(folder);
    const result = await restoreBackup(file, folder.file("new"), { force: false, clock });
    expect(result).toMatchObject({ kind: "full", createdAt: clock.now(), movedTo: null });
    const paths = dataPaths(folder.file("new"));
    using data = openDataFolder(paths.root);
    using store = Store.open(data.paths.database);
    expect(store.get("SELECT value FROM settings")).toEqual({ value: "kept" });
    const original = dataPaths(folder.file("data"));
    for (const path of [
      "token",
      "packs/1.pack",
      "images/abc.tree",
      `oci/blobs/sha256/${"cc".repeat(32)}`,
      "ca/local-ca.pem",
      "repositories/blog.git/refs/tags/v1",
      "ingress/certificates/a.test-1.pem",
    ]) {
      expect(readFileSync(`${paths.root}/${path}`)).toEqual(readFileSync(`${original.root}/${path}`));
      expect(statSync(`${paths.root}/${path}`).mode & 0o777).toBe(0o600);
    }
    for (const path of [
      "packs/unknown.pack",
      "images/def.tree.1.2.tmp",
      "oci/index.json", // written anew at the start
      "oci/blob-12.tmp",
      "ingress/snapshot.json",
      "logs/access-1.log",
      "repositories/blog.git/hooks",
      "repositories/blog.git/refs/tags/v2.lock",
    ]) {
      expect(existsSync(`${paths.root}/${path}`)).toBe(false);
    }
    expect(readdirSync(`${paths.root}/repositories/blog.git/objects/aa`)).toEqual(["bb".repeat(19)]);
    expect(readdirSync(original.backups)).toEqual([]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("into an empty folder is fine, over data only with force, and moves that aside", async () => {
    await using folder = temporaryFolder();
    const { file } = await smallBackup(folder);
    mkdirSync(folder.file("empty"));
    await restoreBackup(file, folder.file("empty"), { force: false, clock });
    await expect(restoreBackup(file, folder.file("empty"), { force: false, clock })).rejects.toMatchObject({
      code: "DATA_FOLDER_UNUSABLE",
      hint: expect.stringContaining("--force"),
    });
    writeFileSync(folder.file("empty", "token"), "changed since\n");
    const { movedTo } = await restoreBackup(file, folder.file("empty"), { force: true, clock });
    expect(readFileSync(`${movedTo}/token`, "utf8")).toBe("changed since\n");
    expect(readFileSync(folder.file("empty", "token"), "utf8")).toBe("token\n");
  });

  test("never replaces a folder that is not Steppe's, or one that is in use", async () => {
    await using folder = temporaryFolder();
    const { file } = await smallBackup(folder);
    mkdirSync(folder.file("photos"));
    writeFileSync(folder.file("photos", "1.jpg"), "");
    await expect(restoreBackup(file, folder.file("photos"), { force: true, clock })).rejects.toMatchObject({
      code: "DATA_FOLDER_UNUSABLE",
    });
    {
      using _running = openDataFolder(folder.file("data"));
      await expect(restoreBackup(file, folder.file("data"), { force: true, clock })).rejects.toMatchObject({
        code: "ALREADY_RUNNING",
      });
    }
    const ingress = createServer().listen(folder.file("data", "run", "ingress-1.sock"));
    await once(ingress, "listening");
    await expect(restoreBackup(file, folder.file("data"), { force: true, clock })).rejects.toMatchObject({
      code: "ALREADY_RUNNING",
      reason: expect.stringContaining("ingress"),
    });
    ingress.close();
    await once(ingress, "close");
    await restoreBackup(file, folder.file("data"), { force: true, clock });
  });

  test("cut off anywhere is refused, or nothing was lost; nothing is left behind", async () => {
    await using folder = temporaryFolder();
    const { file, bytes } = await smallBackup(folder);
    const cuts = new Set([0, 1, 100, 511, 512, 513, 1024, bytes.length - 1, bytes.length - 1024, bytes.length - 1025]);
    for (let step = 1; step < 60; step++) cuts.add(Math.floor((bytes.length * step) / 60));
    for (const cut of cuts) {
      truncateSync(file, 0);
      writeFileSync(file, bytes.subarray(0, cut));
      const outcome = await restoreBackup(file, folder.file("new"), { force: false, clock }).then(
        () => "restored",
        (error: unknown) => (error as { code: string }).code,
      );
      if (cut < bytes.length - 1024) expect([cut, outcome]).toEqual([cut, "BACKUP_INVALID"]);
      else if (outcome !== "BACKUP_INVALID") break;
      expect(readdirSync(folder.path).sort()).toEqual(["backup.tar", "data"]);
    }
  });

  test("with a byte changed anywhere is refused, or restores what was backed up", async () => {
    await using folder = temporaryFolder();
    const { file, bytes } = await smallBackup(folder);
    const original = readFileSync(folder.file("data", "packs", "1.pack"));
    for (let step = 0; step < 30; step++) {
      const at = Math.floor((bytes.length * step) / 30) + 3;
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      writeFileSync(file, damaged);
      const target = folder.file(`new-${step}`);
      try {
        await restoreBackup(file, target, { force: false, clock });
        expect(readFileSync(`${target}/packs/1.pack`)).toEqual(original); // it was a byte that says nothing
      } catch (error) {
        expect(error).toMatchObject({ code: "BACKUP_INVALID" });
        expect(existsSync(target)).toBe(false);
      }
    }
  });

  test.each([
    ["../outside", "file"],
    ["/etc/passwd", "file"],
    ["packs/../../outside", "file"],
    ["run/api.sock", "file"],
    ["repositories/blog.git/objects/../../../../outside", "file"],
    ["packs/link", "symlink"],
    ["packs/folder", "directory"],
  ] as const)("that holds %s (%s) is refused", async (name, type) => {
    await using folder = temporaryFolder();
    const archive = pack();
    const marker = { format: 1, steppe: "1", schema: 1, createdAt: 1 };
    archive.entry({ name: "steppe-backup.json" }, JSON.stringify(marker));
    if (type === "file") archive.entry({ name }, "content");
    else archive.entry({ name, type, linkname: "/etc/passwd" });
    archive.finalize();
    await pipeline(archive as unknown as NodeJS.ReadableStream, createWriteStream(folder.file("backup.tar")));
    await expect(
      restoreBackup(folder.file("backup.tar"), folder.file("new"), { force: false, clock }),
    ).rejects.toMatchObject({ code: "BACKUP_INVALID" });
    expect(readdirSync(folder.path)).toEqual(["backup.tar"]);
  });

  test.each(["text, and no archive at all", ""])("%j is no backup", async (content) => {
    await using folder = temporaryFolder();
    writeFileSync(folder.file("file"), content);
    await expect(restoreBackup(folder.file("file"), folder.file("new"), { force: false, clock })).rejects.toMatchObject(
      { code: "BACKUP_INVALID" },
    );
    await expect(restoreBackup(folder.file("none"), folder.file("new"), { force: false, clock })).rejects.toMatchObject(
      { code: "BACKUP_INVALID", reason: "there is no such file" },
    );
    await expect(restoreBackup(folder.path, folder.file("new"), { force: false, clock })).rejects.toMatchObject({
      code: "BACKUP_INVALID",
    });
  });

  test("what is removed while it is sent is in it all the same; a reader that leaves leaves nothing", async () => {
    await using folder = temporaryFolder();
    const paths = fill(folder.file("data"));
    writeFileSync(`${paths.packs}/1.pack`, randomBytes(5_000_000));
    using store = Store.open(paths.database);
    const options = { database: store.database, paths, version: "1", clock, holdGarbageCollection: unheld };
    const stream = await createFullBackup(options);
    rmSync(`${paths.packs}/1.pack`);
    await pipeline(stream, createWriteStream(folder.file("backup.tar")));
    await restoreBackup(folder.file("backup.tar"), folder.file("new"), { force: false, clock });
    expect(statSync(folder.file("new", "packs", "1.pack")).size).toBe(5_000_000);

    writeFileSync(`${paths.packs}/1.pack`, randomBytes(5_000_000));
    const left = await createFullBackup(options);
    for await (const _ of left) break;
    for (let turn = 0; readdirSync(paths.backups).length > 0; turn++) {
      if (turn > 1e5) throw new Error("the snapshot stays");
      await new Promise(setImmediate);
    }
  });
});

describe("a copy of the store alone", () => {
  test("replaces the store, keeps the old one, and forgets content that is gone", async () => {
    await using folder = temporaryFolder();
    const paths = fill(folder.file("data"));
    const copy = folder.file("copy.db");
    {
      using store = Store.open(paths.database);
      store.run("INSERT INTO packs (name, bytes, created_at) VALUES ('gone.pack', 1, 1)");
      store.run("INSERT INTO files (hash, pack, offset, size) VALUES (x'02', 2, 0, 10)");
      store.run("INSERT INTO encodings VALUES (x'01', 'br@1', 2, 0, 5)");
      await backupStore(store.database, copy);
      store.run("UPDATE settings SET value = 'later'");
    }
    await expect(restoreBackup(copy, paths.root, { force: false, clock })).rejects.toMatchObject({
      code: "DATA_FOLDER_UNUSABLE",
    });
    const result = await restoreBackup(copy, paths.root, { force: true, clock });
    expect(result).toMatchObject({ kind: "store", missingPacks: 1 });
    using store = Store.open(paths.database);
    expect(store.get("SELECT value FROM settings")).toEqual({ value: "kept" });
    expect(store.all("SELECT name FROM packs")).toEqual([{ name: "1.pack" }]);
    expect(store.all("SELECT hex(hash) AS hash FROM files")).toEqual([{ hash: "01" }]);
    using old = Store.open(result.movedTo ?? "");
    expect(old.get("SELECT value FROM settings")).toEqual({ value: "later" });
  });

  test("one that is damaged leaves the store as it was", async () => {
    await using folder = temporaryFolder();
    const paths = fill(folder.file("data"));
    const copy = folder.file("copy.db");
    writeFileSync(copy, readFileSync(paths.database).subarray(0, 5000));
    await expect(restoreBackup(copy, paths.root, { force: true, clock })).rejects.toMatchObject({
      code: "BACKUP_INVALID",
    });
    using store = Store.open(paths.database);
    expect(store.get("SELECT value FROM settings")).toEqual({ value: "kept" });
    await expect(restoreBackup(copy, folder.file("new"), { force: true, clock })).rejects.toMatchObject({
      code: "DATA_FOLDER_UNUSABLE",
    });
  });
});

function hasGit(): boolean {
  try {
    execFileSync("git", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasGit())(
  "a repository is copied whole while it is pushed to and packed (needs Debian's git)",
  async () => {
    await using folder = temporaryFolder();
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder.path,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@example.com",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@example.com",
    };
    const git = async (cwd: string, ...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCommand({ file: "git", args, cwd, env });
      if (code !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
      return stdout.toString();
    };
    const bare = folder.file("blog.git");
    const work = folder.file("work");
    await git(folder.path, "init", "-q", "--bare", bare);
    await git(folder.path, "init", "-q", "-b", "main", work);
    let isDone = false;
    const pushing = (async (): Promise<void> => {
      for (let round = 0; round < 7; round++) {
        writeFileSync(`${work}/file-${round}`, randomBytes(2000));
        await git(work, "add", ".");
        await git(work, "commit", "-q", "-m", `${round}`);
        await git(work, "tag", `v${round}`);
        await git(work, "push", "-q", bare, "main", "--tags");
        if (round % 3 === 2) await git(bare, "gc", "-q", "--prune=now");
      }
    })().finally(() => (isDone = true));
    const copies: string[] = [];
    while (!isDone) {
      const copy = folder.file(`copy-${copies.length}.git`);
      await snapshotRepository(bare, copy);
      copies.push(copy);
      await new Promise(setImmediate);
    }
    await pushing;
    const checked = copies.filter((_, index) => index % Math.ceil(copies.length / 25) === 0);
    for (const copy of checked) {
      if (!existsSync(`${copy}/HEAD`)) continue;
      await git(copy, "fsck", "--full", "--no-dangling");
    }
    const last = folder.file("last.git");
    await snapshotRepository(bare, last);
    expect((await git(last, "tag")).trim().split("\n")).toHaveLength(7);
    expect(checked.length).toBeGreaterThan(1);
  },
);
