import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contentFixture } from "./content-fixture.ts";
import { comparePaths, normalTree } from "./normal-tree.ts";
import type { TreeEntry } from "./types.ts";

const entry = (path: string): TreeEntry => ({ path, size: 1, hash: Buffer.alloc(32) });

const files = {
  "index.html": "<h1>Hello</h1>",
  "css/site.css": "body{}",
  "a/b/c/deep.txt": "deep",
  "ä/ö.html": "<p>ä</p>",
  empty: "",
};

describe("an image", () => {
  test("is the same whatever the order and the packs", async () => {
    const paths = Object.entries(files);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(paths, { minLength: paths.length }), fc.nat(5), async (order, cut) => {
        using content = contentFixture();
        const tree = [
          ...(await content.add(Object.fromEntries(order.slice(0, cut)))),
          ...(await content.add(Object.fromEntries(order.slice(cut)))),
        ];
        const image = await content.images.createImage(tree);
        expect(image).toEqual({
          digest: expect.any(String),
          files: 5,
          bytes: 33,
        });
        expect(image.digest).toMatchInlineSnapshot(
          `"sha256:7b20200a6550066f30fd93d0374c18b83b29b291ca633f621f0d935f129f8b7a"`,
        );
      }),
      { numRuns: 10 },
    );
  });

  test("of a large site has layers that a local change leaves alone", async () => {
    using content = contentFixture();
    const large = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`d${i % 90}/f${i}`, `content ${i}`]));
    const before = await content.images.createImage(await content.add(large));
    const after = await content.images.createImage(
      await content.add({ ...large, "d1/f1": "changed", "d1/new": "new" }),
    );
    expect(after.digest).not.toBe(before.digest);
    const layers = async (digest: string) => (await content.images.open(digest)).layers.map((layer) => layer.digest);
    const old = new Set(await layers(before.digest));
    expect(old.size).toBe(4);
    expect((await layers(after.digest)).filter((layer) => !old.has(layer))).toHaveLength(1);
    // The digests that were remembered are those that a store without memory computes.
    using fresh = contentFixture();
    expect(await fresh.images.createImage(await fresh.add({ ...large, "d1/f1": "changed", "d1/new": "new" }))).toEqual(
      after,
    );
  });

  test("is read again after a restart, and made again without being written again", async () => {
    using content = contentFixture();
    const tree = await content.add(files);
    const image = await content.images.createImage(tree);
    content.reopen();
    expect(await content.images.createImage(tree)).toEqual(image);
    expect(content.images.imageInfo(image.digest)).toEqual({ ...image, kind: "data" });
    expect(content.images.hasImage(image.digest)).toBe(true);
    expect(await content.images.readTree(image.digest)).toEqual(normalTree(tree));
    expect(content.images.imageInfo(`sha256:${"0".repeat(64)}`)).toBeUndefined();
    expect(content.images.hasImage(`sha256:${"0".repeat(64)}`)).toBe(false);
  });

  test("has layers whose streams match their digests, piece by piece, also with files larger than a piece", async () => {
    using content = contentFixture();
    const large = randomBytes(5_000_000);
    const tree = await content.add({ a: "small", b: large, c: "small too", d: randomBytes(2_097_152 - 2048) });
    const same = tree.map((item) => ({ ...item, path: `copy/${item.path}` }));
    const { digest } = await content.images.createImage([...tree, ...same]);
    for (const layer of (await content.images.open(digest)).layers) {
      const chunks: Buffer[] = [];
      for await (const chunk of layer.content()) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      expect(bytes.length).toBe(layer.size);
      expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(layer.digest);
      expect(bytes.indexOf(large)).toBeGreaterThan(0);
    }
  });

  test("whose layer is left in the middle lets go of its packs", async () => {
    using content = contentFixture();
    const { digest } = await content.images.createImage(await content.add({ a: randomBytes(9_000_000) }));
    const [layer] = (await content.images.open(digest)).layers;
    for await (const chunk of layer!.content()) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    content.reopen();
    expect(content.images.hasImage(digest)).toBe(true);
  });
});

describe("what is damaged", () => {
  test("a tree: reading says so", async () => {
    using content = contentFixture();
    const { digest } = await content.images.createImage(await content.add(files));
    const path = join(content.images.folder, `${digest.slice(7)}.tree`);
    const bytes = readFileSync(path);
    bytes[60]! ^= 4;
    writeFileSync(path, bytes);
    await expect(content.images.readTree(digest)).rejects.toMatchObject({ code: "CONTENT_CORRUPT", subject: digest });
    await expect(content.images.open(digest)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  });

  test("another image's tree in its place", async () => {
    using content = contentFixture();
    const tree = await content.add(files);
    const one = await content.images.createImage(tree);
    const other = await content.images.createImage(tree.slice(1));
    const path = (digest: string): string => join(content.images.folder, `${digest.slice(7)}.tree`);
    writeFileSync(path(one.digest), readFileSync(path(other.digest)));
    await expect(content.images.readTree(one.digest)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  });

  test("a tree that is gone: the image is not there, and can be made again", async () => {
    using content = contentFixture();
    const tree = await content.add(files);
    const { digest } = await content.images.createImage(tree);
    rmSync(join(content.images.folder, `${digest.slice(7)}.tree`));
    content.reopen();
    expect(content.images.damagedImages()).toEqual([digest]);
    expect(content.images.hasImage(digest)).toBe(false);
    await expect(content.images.readTree(digest)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
    await content.images.createImage(tree);
    expect(content.images.hasImage(digest)).toBe(true);
    expect(content.images.damagedImages()).toEqual([]);
  });

  test("content: the layer's stream fails at its end", async () => {
    using content = contentFixture();
    const tree = await content.add(files);
    const { digest } = await content.images.createImage(tree);
    const location = content.files.locate(tree[0]!.hash)!;
    const path = join(content.files.packFolder, location.pack);
    const bytes = readFileSync(path);
    bytes[location.offset]! ^= 1;
    writeFileSync(path, bytes);
    const drain = async (): Promise<void> => {
      for (const layer of (await content.images.open(digest)).layers) for await (const _ of layer.content());
    };
    await expect(drain()).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  });

  test("leftovers of a crash are removed on open", async () => {
    using content = contentFixture();
    const { digest } = await content.images.createImage(await content.add(files));
    for (const name of [`${"0".repeat(64)}.tree`, "x.tree.1.0.tmp"])
      writeFileSync(join(content.images.folder, name), "");
    content.reopen();
    expect(readdirSync(content.images.folder)).toEqual([`${digest.slice(7)}.tree`]);
  });
});

describe("refused", () => {
  test.for([
    ["", "FILE_UNSUPPORTED"],
    ["/etc/passwd", "FILE_UNSUPPORTED"],
    ["a//b", "FILE_UNSUPPORTED"],
    ["a/", "FILE_UNSUPPORTED"],
    ["..", "FILE_UNSUPPORTED"],
    ["a/../b", "FILE_UNSUPPORTED"],
    ["./a", "FILE_UNSUPPORTED"],
    ["a\0b", "FILE_UNSUPPORTED"],
    ["css/.wh.site.css", "FILE_UNSUPPORTED"],
    ["a\ud800", "PATH_NOT_UTF8"],
    ["ä".repeat(513), "PATH_TOO_LONG"],
  ] as const)("the path %j with %s", ([path, code]) => {
    expect(() => normalTree([entry(path)])).toThrow(expect.objectContaining({ code }));
  });

  test("no files, a path twice, a file that is a folder, content that is not there", async () => {
    expect(() => normalTree([])).toThrow(expect.objectContaining({ code: "SITE_EMPTY" }));
    expect(() => normalTree([entry("a"), entry("a")])).toThrow("twice");
    expect(() => normalTree([entry("a/b/c"), entry("a!"), entry("a/b")])).toThrow("both a file and a folder");
    using content = contentFixture();
    await expect(content.images.createImage([entry("a")])).rejects.toMatchObject({
      code: "CONTENT_CORRUPT",
      subject: "a",
    });
    const [stored] = await content.add({ a: "ab" });
    await expect(content.images.createImage([{ ...stored!, size: 3 }])).rejects.toMatchObject({
      code: "CONTENT_CORRUPT",
    });
  });

  test("names that only look odd are fine", () => {
    const names = ["...", "..a", "a..", ".hidden", "a/.b", "wh.x", "x.wh.y", "ä".repeat(512)];
    expect(normalTree(names.map(entry))).toHaveLength(names.length);
  });
});

test("paths are in the order of their bytes", () => {
  const text = fc.string({ unit: "binary", maxLength: 6 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(comparePaths(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
});
