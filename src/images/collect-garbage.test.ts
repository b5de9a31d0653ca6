import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { silentLogger } from "../shared/log.ts";
import { collectGarbage, type CollectedGarbage } from "./collect-garbage.ts";
import { type ContentFixture, contentFixture } from "./content-fixture.ts";
import { EncodingMaker } from "./encoding-maker.ts";
import type { Tree } from "./types.ts";

function collect(
  content: ContentFixture,
  keep: readonly string[],
  beforeRemoval = async () => {},
): Promise<CollectedGarbage> {
  return collectGarbage(content.images, { keepImages: () => new Set(keep), beforeRemoval, log: silentLogger });
}

async function expectReadable(content: ContentFixture, digest: string): Promise<void> {
  for (const { hash } of await content.images.readTree(digest)) await content.files.read(hash);
  for (const layer of (await content.images.open(digest)).layers) {
    let size = 0;
    for await (const chunk of layer.content()) size += chunk.length;
    expect(size).toBe(layer.size);
  }
}

/** Disk and tables name the same packs. */
function expectTidy(content: ContentFixture): void {
  expect(content.packNames()).toEqual(
    content.files.tables
      .packs()
      .map(({ name }) => name)
      .sort(),
  );
}

describe("garbage collection", () => {
  test("takes images that are not kept, and what only they need", async () => {
    using content = contentFixture();
    const old = await content.add({ a: "shared", b: randomBytes(10_000) });
    const next = [old[0]!, ...(await content.add({ b: "new" }))];
    const first = await content.images.createImage(old);
    const second = await content.images.createImage(next);
    const freed = await collect(content, [second.digest]);
    expect(freed).toMatchObject({ images: 1, files: 1 });
    expect(freed.bytes).toBeGreaterThan(9_000);
    expect(content.images.hasImage(first.digest)).toBe(false);
    expect(content.files.locate(old[1]!.hash)).toBeUndefined();
    await expectReadable(content, second.digest);
    expectTidy(content);
    expect(await collect(content, [second.digest])).toEqual({ images: 0, files: 0, bytes: 0 });
    content.reopen();
    await expectReadable(content, second.digest);
  });

  test("takes encodings with their files, and git blobs that name them", async () => {
    using content = contentFixture();
    const kept = await content.add({ "a.html": "<p>kept</p>".repeat(100) });
    const gone = await content.add({ "b.html": "<p>gone</p>".repeat(100) });
    await new EncodingMaker(content.files, 1).make([...kept, ...gone], new AbortController().signal);
    content.store.run(
      "INSERT INTO apps (name, definition, push_token, created_at, updated_at) VALUES ('blog', '{}', '', 0, 0)",
    );
    for (const { hash } of [...kept, ...gone]) {
      content.store.run("INSERT INTO git_files VALUES ('blog', ?, ?)", randomBytes(20), hash);
    }
    const image = await content.images.createImage(kept);
    await collect(content, [image.digest]);
    expect(content.files.locateEncoding(kept[0]!.hash, "br")).toBeDefined();
    expect(content.files.locateEncoding(gone[0]!.hash, "br")).toBeUndefined();
    expect(content.store.all("SELECT hash FROM git_files")).toEqual([{ hash: new Uint8Array(kept[0]!.hash) }]);
  });

  test("copies what is live out of packs that are mostly dead, and asks before it removes them", async () => {
    using content = contentFixture();
    const tree = await content.add({ "live.html": "<p>live</p>".repeat(50), dead: randomBytes(50_000) });
    await new EncodingMaker(content.files, 1).make(tree, new AbortController().signal);
    const image = await content.images.createImage(tree.slice(0, 1));
    const { hash } = tree[0]!;
    const before = content.files.locate(hash)!;
    let asked = 0;
    await collect(content, [image.digest], async () => {
      asked++;
      expect(content.packNames()).toContain(before.pack);
      expect(content.files.locate(hash)?.pack).not.toBe(before.pack);
      await expectReadable(content, image.digest);
    });
    expect(asked).toBe(1);
    expect(content.packNames()).not.toContain(before.pack);
    await expectReadable(content, image.digest);
    expect(content.files.locateEncoding(hash, "br")).toBeDefined();
    expectTidy(content);
  });

  test("copies nothing of which the copy would be as large: what a pack says of itself is no dead content", async () => {
    using content = contentFixture();
    const image = await content.images.createImage(await content.add({ a: "a", b: "bc" }));
    const before = content.packNames();
    let asked = 0;
    await collect(content, [image.digest], async () => void asked++);
    expect(content.packNames()).toEqual(before);
    expect(asked).toBe(0);
  });

  test("leaves the old packs when who keeps locations could not look again, and goes on next time", async () => {
    using content = contentFixture();
    const tree = await content.add({ live: "live", dead: randomBytes(50_000) });
    const image = await content.images.createImage(tree.slice(0, 1));
    const fail = async (): Promise<void> => {
      throw new Error("the engine is away");
    };
    await expect(collect(content, [image.digest], fail)).rejects.toThrow("the engine is away");
    expect(content.packNames()).toHaveLength(2);
    content.reopen();
    expect(content.packNames()).toHaveLength(2);
    expect((await collect(content, [image.digest])).bytes).toBeGreaterThan(49_000);
    expect(content.packNames()).toHaveLength(1);
    await expectReadable(content, image.digest);
  });

  test("does not touch an open batch, and waits while somebody holds content", async () => {
    using content = contentFixture();
    const [entry] = await content.add({ a: "looked up again" });
    const batch = content.files.begin();
    await batch.add(Buffer.from("looked up again"));
    const fresh = await batch.add(Buffer.from("fresh"));
    const order: string[] = [];
    const collecting = collect(content, []).then(() => order.push("collected"));
    await new Promise(setImmediate);
    const hold = content.files.hold();
    await batch.commit();
    await new Promise(setImmediate);
    const image = await content.images.createImage([entry!, { path: "b", ...fresh }]);
    order.push("image made");
    hold[Symbol.dispose]();
    await collecting;
    expect(order).toEqual(["image made", "collected"]);
    await expectReadable(content, image.digest); // made while the collection ran, so kept
    await collect(content, []);
    expect(content.packNames()).toEqual([]);
  });

  test("waits for who wants nothing removed", async () => {
    using content = contentFixture();
    await content.add({ a: "x" });
    const { promise, resolve } = Promise.withResolvers<void>();
    const copying = content.images.withoutRemoval(() => promise);
    const collecting = collect(content, []);
    await new Promise(setImmediate);
    expect(content.packNames()).toHaveLength(1);
    resolve();
    await Promise.all([copying, collecting]);
    expect(content.packNames()).toEqual([]);
  });

  test("takes nothing when the tree of a kept image is damaged", async () => {
    using content = contentFixture();
    const image = await content.images.createImage(await content.add({ a: "precious" }));
    writeFileSync(join(content.images.folder, `${image.digest.slice(7)}.tree`), "damaged");
    await expect(collect(content, [image.digest])).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
    expect(content.packNames()).toHaveLength(1);
  });

  test("leaves a file where it is whose bytes changed on the disk", async () => {
    using content = contentFixture();
    const tree = await content.add({ a: "live", b: "live too", dead: randomBytes(50_000) });
    const image = await content.images.createImage(tree.slice(0, 2));
    const location = content.files.locate(tree[0]!.hash)!;
    const path = join(content.files.packFolder, location.pack);
    const bytes = readFileSync(path);
    bytes[location.offset]! ^= 1;
    writeFileSync(path, bytes);
    await collect(content, [image.digest]);
    expect(content.files.locate(tree[0]!.hash)).toEqual(location);
    expect(await content.files.read(tree[1]!.hash)).toEqual(Buffer.from("live too"));
    expectTidy(content);
  });
});

test("a crash at any point leaves every kept image readable, and the next collection ends the work", async () => {
  using content = contentFixture();
  const tree = await content.add({ live: "live", "live.html": "<p>".repeat(500), dead: randomBytes(50_000) });
  await content.add({ dead: randomBytes(20_000) });
  await new EncodingMaker(content.files, 1).make(tree, new AbortController().signal);
  const image = await content.images.createImage(tree.slice(0, 2));
  const other = await content.images.createImage(tree);
  const crashes: ContentFixture[] = [];
  const transaction = content.store.transaction.bind(content.store);
  content.store.transaction = (work) => {
    crashes.push(content.crashed());
    const result = transaction(work);
    crashes.push(content.crashed());
    return result;
  };
  await collect(content, [image.digest], async () => void crashes.push(content.crashed()));
  expect(crashes).toHaveLength(7);
  for (const crashed of crashes) {
    using _ = crashed;
    expectTidy(crashed);
    expect(crashed.files.missingPacks()).toEqual([]);
    await expectReadable(crashed, image.digest);
    if (crashed.images.hasImage(other.digest)) await expectReadable(crashed, other.digest);
    await collect(crashed, [image.digest]);
    await expectReadable(crashed, image.digest);
    expectTidy(crashed);
    expect(crashed.packNames()).toHaveLength(content.packNames().length);
  }
});

test("whatever was deployed and kept, exactly what kept images name is left", async () => {
  const path = fc.constantFrom("a", "b", "c.html", "d/e", "d/f.html");
  const site = fc.dictionary(path, fc.nat(12), { minKeys: 1, noNullPrototype: true });
  const step = fc.record({ site, keep: fc.boolean(), collect: fc.boolean(), restart: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      using content = contentFixture();
      const kept = new Map<string, Tree>();
      const every = new Map<string, Buffer>();
      for (const { site: files, keep, collect: collecting, restart } of steps) {
        const contents = Object.entries(files).map(([name, n]) => [name, `content ${n} `.repeat(n * 40)]);
        const tree = await content.add(Object.fromEntries(contents) as Record<string, string>);
        const { digest } = await content.images.createImage(tree);
        if (keep) kept.set(digest, tree);
        for (const { hash } of tree) every.set(hash.toString("hex"), hash);
        if (restart) content.reopen();
        if (collecting) await collect(content, [...kept.keys()]);
      }
      await collect(content, [...kept.keys()]);
      const named = new Set([...kept.values()].flat().map(({ hash }) => hash.toString("hex")));
      for (const [hex, hash] of every) expect(content.files.locate(hash) !== undefined).toBe(named.has(hex));
      for (const digest of kept.keys()) await expectReadable(content, digest);
      expect(content.files.tables.images().map(({ digest }) => digest)).toEqual([...kept.keys()].sort());
      expectTidy(content);
    }),
    { numRuns: 15 },
  );
});
