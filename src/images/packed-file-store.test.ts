import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contentFixture } from "./content-fixture.ts";
import { readPackIndex } from "./pack-format.ts";
import type { FileBatch } from "./types.ts";

const sha256 = (content: Uint8Array): Buffer => createHash("sha256").update(content).digest();

async function* inPieces(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

describe("a batch", () => {
  test("is seen by nobody before it is committed, and by everybody after, and after a restart", async () => {
    using content = contentFixture();
    const batch = content.files.begin();
    const { hash, size } = await batch.add(Buffer.from("hello"));
    expect(hash).toEqual(sha256(Buffer.from("hello")));
    expect(size).toBe(5);
    expect(content.files.locate(hash)).toBeUndefined();
    await batch.commit();
    expect(await content.files.read(hash)).toEqual(Buffer.from("hello"));
    content.reopen();
    expect(await content.files.read(hash)).toEqual(Buffer.from("hello"));
    expect(content.packNames()).toHaveLength(1);
  });

  test("writes nothing that the store or itself has", async () => {
    using content = contentFixture();
    await content.add({ a: "one", b: "one", c: "" });
    await content.add({ a: "one", c: "" });
    expect(content.packNames()).toHaveLength(1);
    expect(content.files.tables.filesOfPack(1)).toHaveLength(2);
  });

  test("that is aborted leaves nothing, and that was committed stays", async () => {
    using content = contentFixture();
    const batch = content.files.begin();
    await batch.add(randomBytes(3_000_000));
    expect(content.packNames()).toEqual([expect.stringMatching(/\.pack\.tmp$/)]);
    await batch.abort();
    await batch.abort();
    expect(content.packNames()).toEqual([]);
    await expect(batch.add(Buffer.from("late"))).rejects.toThrow("ended");
    const other = content.files.begin();
    const { hash } = await other.add(Buffer.from("kept"));
    await other.commit();
    await other.abort();
    expect(content.files.locate(hash)).toBeDefined();
  });

  test("with the same content as another that is open: the first to commit wins", async () => {
    using content = contentFixture();
    const [first, second, third] = [content.files.begin(), content.files.begin(), content.files.begin()];
    const { hash } = await first.add(Buffer.from("same"));
    await second.add(Buffer.from("same"));
    const mine = await second.add(Buffer.from("mine"));
    await third.add(Buffer.from("same"));
    await first.commit();
    await Promise.all([second.commit(), third.commit()]);
    expect(content.packNames()).toHaveLength(2);
    expect(await content.files.read(hash)).toEqual(Buffer.from("same"));
    expect(await content.files.read(mine.hash)).toEqual(Buffer.from("mine"));
  });

  test("takes calls that overlap, large and small", async () => {
    using content = contentFixture();
    const contents = Array.from({ length: 40 }, (_, i) => randomBytes(i % 4 === 0 ? 900_000 : i * 10));
    const batch = content.files.begin();
    const stored = await Promise.all(
      contents.map((bytes, i) => (i % 2 === 0 ? batch.addStream(inPieces(bytes, 70_000)) : batch.add(bytes))),
    );
    await batch.commit();
    for (const [i, { hash }] of stored.entries())
      expect((await content.files.read(hash)).equals(contents[i]!)).toBe(true);
  });

  test("gives up the bytes of a stream that fails, or that is known already", async () => {
    using content = contentFixture();
    const large = randomBytes(5_000_000);
    const batch = content.files.begin();
    const failing = (async function* () {
      yield large;
      throw new Error("the source broke");
    })();
    await expect(batch.addStream(failing)).rejects.toThrow("the source broke");
    const first = await batch.addStream(inPieces(large, 300_000));
    const again = await batch.addStream(inPieces(large, 65_536));
    expect(again).toEqual(first);
    const small = await batch.add(Buffer.from("after"));
    await batch.commit();
    expect((await content.files.read(first.hash)).equals(large)).toBe(true);
    expect(await content.files.read(small.hash)).toEqual(Buffer.from("after"));
    const [pack] = content.files.tables.packs();
    expect(pack?.bytes).toBeLessThan(large.length + 1000);
  });

  test("of only a known large stream leaves no file", async () => {
    using content = contentFixture();
    const large = randomBytes(1_000_000);
    await content.add({ large });
    const batch = content.files.begin();
    await batch.addStream(inPieces(large, 100_000));
    await batch.commit();
    expect(content.packNames()).toHaveLength(1);
  });

  test("describes itself in its pack", async () => {
    using content = contentFixture();
    const tree = await content.add({ a: "one", b: "two", c: randomBytes(2_000_000) });
    const path = join(content.files.packFolder, content.packNames()[0]!);
    const items = readPackIndex(path);
    expect(items.map(({ hash, size, encoder }) => ({ hash: Buffer.from(hash), size, encoder }))).toEqual(
      tree.map(({ hash, size }) => ({ hash, size, encoder: null })),
    );
    const bytes = readFileSync(path);
    for (const { hash, offset, size } of items) {
      expect(sha256(bytes.subarray(offset, offset + size)).equals(hash)).toBe(true);
    }
    bytes[bytes.length - 100]! ^= 1;
    writeFileSync(path, bytes);
    expect(() => readPackIndex(path)).toThrow("checksum");
  });
});

test("whatever is committed can be read after a restart, and what is aborted cannot", async () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  const batches = fc.array(fc.record({ contents, commit: fc.boolean() }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(batches, async (plan) => {
      using content = contentFixture();
      const kept = new Set<string>();
      const all = new Set<string>();
      const open: FileBatch[] = [];
      for (const { contents: list, commit } of plan) {
        const batch = content.files.begin();
        for (const bytes of list) {
          const hex = (await batch.add(bytes)).hash.toString("hex");
          all.add(hex);
          if (commit) kept.add(hex);
        }
        if (commit) await batch.commit();
        else open.push(batch);
      }
      for (const batch of open) await batch.abort();
      content.reopen();
      const found = content.files.locateMany([...all].map((hex) => Buffer.from(hex, "hex")));
      expect([...all].filter((_, i) => found[i] !== undefined)).toEqual([...all].filter((hex) => kept.has(hex)));
      for (const hex of kept) await content.files.read(Buffer.from(hex, "hex"));
      expect(content.packNames()).toEqual(
        content.files.tables
          .packs()
          .map(({ name }) => name)
          .sort(),
      );
    }),
    { numRuns: 25 },
  );
});

describe("on open", () => {
  test("unfinished and unknown packs are removed, other files are not", async () => {
    using content = contentFixture();
    const tree = await content.add({ a: "kept" });
    for (const name of ["0a.pack.tmp", "0b.pack", "README"]) writeFileSync(join(content.files.packFolder, name), "x");
    content.reopen();
    expect(new Set(content.packNames())).toEqual(new Set(["README", content.files.locate(tree[0]!.hash)?.pack]));
  });

  test("a crash between rename and transaction loses the batch and nothing else", async () => {
    using content = contentFixture();
    const [before] = await content.add({ a: "before" });
    const transaction = content.store.transaction.bind(content.store);
    content.store.transaction = (work) => {
      using crashed = content.crashed();
      expect(crashed.packNames()).toHaveLength(1);
      expect(crashed.files.locate(before!.hash)).toBeDefined();
      return transaction(work);
    };
    await content.add({ b: "after" });
    expect.assertions(2);
  });

  test("a pack that is gone is reported with its files, which can be stored again", async () => {
    using content = contentFixture();
    const tree = await content.add({ a: "lost", b: "lost too" });
    const image = await content.images.createImage(tree);
    const [pack] = content.packNames();
    rmSync(join(content.files.packFolder, pack!));
    content.reopen();
    expect(content.files.missingPacks()).toEqual([
      { name: pack, cause: "the pack is gone", hashes: expect.any(Array) },
    ]);
    expect(content.files.missingPacks()[0]?.hashes).toHaveLength(2);
    expect(content.images.damagedImages()).toEqual([image.digest]);
    content.reopen();
    expect(content.images.hasImage(image.digest)).toBe(false);
    await expect(content.files.read(tree[0]!.hash)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
    await content.add({ a: "lost", b: "lost too" });
    expect(content.images.hasImage(image.digest)).toBe(true);
    content.reopen();
    expect(content.images.damagedImages()).toEqual([]);
  });

  test("of a pack that was cut short, what is whole stays readable", async () => {
    using content = contentFixture();
    const tree = await content.add({ a: "whole", b: randomBytes(100_000) });
    const [pack] = content.packNames();
    truncateSync(join(content.files.packFolder, pack!), 50_000);
    content.reopen();
    expect(content.files.missingPacks()[0]?.hashes).toEqual([tree[1]!.hash]);
    expect(await content.files.read(tree[0]!.hash)).toEqual(Buffer.from("whole"));
    content.reopen();
    expect(content.files.missingPacks()).toEqual([]);
    expect(content.files.locate(tree[1]!.hash)).toBeUndefined();
  });
});

test("a file whose bytes changed on the disk is not handed out", async () => {
  using content = contentFixture();
  const [entry] = await content.add({ a: "what was written" });
  const location = content.files.locate(entry!.hash)!;
  const path = join(content.files.packFolder, location.pack);
  const bytes = readFileSync(path);
  bytes[location.offset]! ^= 1;
  writeFileSync(path, bytes);
  await expect(content.files.read(entry!.hash)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  await expect(content.files.read(randomBytes(32))).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
});

test("locating many gives what locating each gives, in order, beyond one statement's size", async () => {
  using content = contentFixture();
  const tree = await content.add(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, `content ${i}`])));
  const hashes = Array.from({ length: 40_000 }, (_, i) =>
    i % 3 === 0 ? sha256(Buffer.from([i])) : tree[i % 300]!.hash,
  );
  const found = content.files.locateMany(hashes);
  expect(found).toHaveLength(hashes.length);
  for (const i of [0, 1, 2, 32_767, 32_768, 32_769, 39_998]) expect(found[i]).toEqual(content.files.locate(hashes[i]!));
  expect(content.files.locateMany([])).toEqual([]);
});

test("descriptors of packs are bounded, and a pack in use survives its removal", async () => {
  using content = contentFixture();
  const trees = [];
  for (let i = 0; i < 70; i++) trees.push(await content.add({ a: `content ${i}` }));
  for (const [entry] of trees) await content.files.read(entry!.hash);
  const location = content.files.locate(trees[0]![0]!.hash)!;
  using open = content.files.packs.open(location.pack);
  rmSync(join(content.files.packFolder, location.pack));
  for (const [entry] of trees.slice(1)) await content.files.read(entry!.hash);
  const bytes = Buffer.alloc(location.size);
  await open.read(bytes, location.offset);
  expect(bytes.toString()).toBe("content 0");
  expect(existsSync(join(content.files.packFolder, location.pack))).toBe(false);
});
