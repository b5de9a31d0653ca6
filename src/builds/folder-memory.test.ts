import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { passFileTick } from "../../test/support/file-clock.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FolderMemory } from "./folder-memory.ts";
import { folderTree } from "./folder-tree.ts";
import { importTree } from "./import-tree.ts";
import { MemoryFileStore } from "./memory-file-store.ts";
import type { FileSource } from "./source-tree.ts";

interface Known {
  oid: Buffer;
  hash: Buffer;
}

const files = (count: number): Known[] =>
  Array.from({ length: count }, () => ({ oid: randomBytes(40), hash: randomBytes(32) }));

/** What a memory knows of these files. */
function recall(memory: FolderMemory, known: readonly Known[]): Array<Buffer | undefined> {
  const oids = known.map(({ oid }) => oid);
  return memory.lookup("", oids).map((hash) => hash && Buffer.from(hash));
}

const hashesOf = (known: readonly Known[]): Buffer[] => known.map(({ hash }) => hash);

describe("the memory of a folder", () => {
  test("knows what was there when it was read last, and nothing else", () => {
    using cache = temporaryFolder("memory");
    const [old, kept, added] = [files(2), files(3), files(2)];
    const first = new FolderMemory(cache.path, "/site");
    expect(recall(first, [...old, ...kept])).toEqual(Array(5).fill(undefined));
    first.remember("", [...old, ...kept]);
    first.save();
    const second = new FolderMemory(cache.path, "/site");
    expect(recall(second, [...kept, ...added])).toEqual([...hashesOf(kept), undefined, undefined]);
    second.remember("", added);
    second.save();
    const third = new FolderMemory(cache.path, "/site");
    expect(recall(third, [...old, ...kept, ...added])).toEqual([
      undefined,
      undefined,
      ...hashesOf(kept),
      ...hashesOf(added),
    ]);
    expect(recall(new FolderMemory(cache.path, "/other"), kept)).toEqual([undefined, undefined, undefined]);
  });

  test("spares reading what was not changed, unless it is wanted after all", async () => {
    using cache = temporaryFolder("memory");
    using site = temporaryFolder("site");
    const build = async (): Promise<{ read: string[]; known: string[] }> => {
      passFileTick(cache.path);
      const tree = folderTree(site.path, "site", { now: Date.now() + 10_000 });
      const memory = new FolderMemory(cache.path, site.path);
      const [read, known]: [string[], Array<AsyncIterable<Uint8Array>>] = [[], []];
      const counting: FileSource = {
        label: tree.label,
        list: (folder) => tree.list(folder),
        read(entries) {
          read.push(...entries.map(({ path }) => path.toString()));
          return tree.read(entries);
        },
      };
      const { signal } = new AbortController();
      const options = { folder: ".", files: new MemoryFileStore(), app: "", knownFiles: memory, signal, progress() {} };
      await importTree({ ...options, tree: counting, onKnown: (_, content) => known.push(content()) });
      memory.save();
      const before = read.length;
      const contents: string[] = [];
      for (const content of known) for await (const chunk of content) contents.push(Buffer.from(chunk).toString());
      return { read: read.slice(0, before), known: contents };
    };
    for (const name of ["a", "b", "c"]) writeFileSync(site.file(name), `first ${name}`);
    expect(await build()).toEqual({ read: ["a", "b", "c"], known: [] });
    writeFileSync(site.file("b"), "other");
    expect(await build()).toEqual({ read: ["b"], known: ["first a", "first c"] });
    expect(await build()).toEqual({ read: [], known: ["first a", "other", "first c"] });
  });

  test("is written only if there is something new, and forgets what is gone", () => {
    using cache = temporaryFolder("memory");
    const known = files(3);
    const first = new FolderMemory(cache.path, "/site");
    first.remember("", known);
    first.save();
    const [name = ""] = readdirSync(cache.path);
    utimesSync(cache.file(name), 1, 1);
    const before = readFileSync(cache.file(name));
    const same = new FolderMemory(cache.path, "/site");
    recall(same, known);
    same.save();
    new FolderMemory(cache.path, "/site").save();
    expect(readFileSync(cache.file(name)).equals(before)).toBe(true);
    const fewer = new FolderMemory(cache.path, "/site");
    recall(fewer, known.slice(1));
    fewer.save();
    expect(readFileSync(cache.file(name)).length).toBe(before.length - 72);
    fewer.forget();
    fewer.save();
    expect(recall(new FolderMemory(cache.path, "/site"), known)).toEqual([undefined, undefined, undefined]);
  });

  test("that is damaged, cut off or not ours is empty", () => {
    using cache = temporaryFolder("memory");
    const known = files(4);
    const memory = new FolderMemory(cache.path, "/site");
    memory.remember("", known);
    memory.save();
    const [name = ""] = readdirSync(cache.path);
    const sound = readFileSync(cache.file(name));
    const isEmpty = (content: Uint8Array): void => {
      writeFileSync(cache.file(name), content);
      expect(recall(new FolderMemory(cache.path, "/site"), known)).toEqual(Array(4).fill(undefined));
    };
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(sound);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        isEmpty(damaged);
        isEmpty(sound.subarray(0, at));
      }),
    );
    isEmpty(randomBytes(1000));
    isEmpty(Buffer.concat([sound, sound]));
  });

  test("is whole, whoever else writes it meanwhile", () => {
    using cache = temporaryFolder("memory");
    const [one, other] = [files(2), files(3)];
    const first = new FolderMemory(cache.path, "/site");
    const second = new FolderMemory(cache.path, "/site");
    first.remember("", one);
    second.remember("", other);
    first.save();
    second.save();
    expect(recall(new FolderMemory(cache.path, "/site"), other)).toEqual(hashesOf(other));
    expect(readdirSync(cache.path)).toHaveLength(1);
  });

  test("of folders that were built long ago makes room for others", () => {
    using cache = temporaryFolder("memory");
    mkdirSync(cache.path, { recursive: true });
    for (let i = 0; i < 300; i++) {
      writeFileSync(cache.file(`old-${i}`), "");
      utimesSync(cache.file(`old-${i}`), 1000 + i, 1000 + i);
    }
    const known = files(1);
    const memory = new FolderMemory(cache.path, "/site");
    memory.remember("", known);
    memory.save();
    expect(readdirSync(cache.path)).toHaveLength(256);
    expect([existsSync(cache.file("old-0")), existsSync(cache.file("old-299"))]).toEqual([false, true]);
    expect(recall(new FolderMemory(cache.path, "/site"), known)).toEqual(hashesOf(known));
  });

  test("that cannot be written says so", () => {
    using cache = temporaryFolder("memory");
    writeFileSync(cache.file("cache"), "");
    const memory = new FolderMemory(cache.file("cache"), "/site");
    memory.remember("", files(1));
    expect(() => memory.save()).toThrow(/ENOTDIR|EEXIST/);
  });
});
