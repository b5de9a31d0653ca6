import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { silentLogger } from "../shared/log.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { type ContentFixture, contentFixture } from "./content-fixture.ts";
import { incomingImage, plainLayer } from "./incoming-fixture.ts";
import { json, sha256Digest } from "./oci-manifest.ts";
import { collect } from "./registry/fakes.ts";
import type { ImageSite } from "./image-store.ts";
import type { ImageInfo, IncomingImage } from "./types.ts";

const quiet = { signal: new AbortController().signal, progress: () => {} };

async function keep(
  content: ContentFixture,
  incoming: IncomingImage,
  site: ImageSite | null = null,
): Promise<ImageInfo> {
  await content.images.taken.receive(incoming, quiet);
  return content.images.keep(incoming, site);
}

const base = plainLayer({ "bin/run": randomBytes(5000) });
const image = () => incomingImage([base, plainLayer({ "www/index.html": "<h1>" })]);

function blobPath(content: ContentFixture, digest: string): string {
  return join(content.images.taken.blobs.folder, "blobs", digest.replace(":", "/"));
}

interface Index {
  manifests: Array<{ digest: string; annotations: Record<string, string> }>;
}

function readJson<Document>(path: string): Document {
  return JSON.parse(readFileSync(path, "utf8")) as Document;
}

/** Every manifest of the layout's index, with all that it names, is there and whole. Returns their digests. */
function expectValidLayout(content: ContentFixture): string[] {
  const { folder } = content.images.taken.blobs;
  expect(readJson<object>(join(folder, "oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
  const { manifests } = readJson<Index>(join(folder, "index.json"));
  for (const { digest, annotations } of manifests) {
    expect(annotations["org.opencontainers.image.ref.name"]).toBe(digest.slice(7));
    const named = readJson<{ config: { digest: string }; layers: Array<{ digest: string }> }>(
      blobPath(content, digest),
    );
    const blobs = [digest, named.config.digest, ...named.layers.map((layer) => layer.digest)];
    for (const blob of blobs) expect(sha256Digest(readFileSync(blobPath(content, blob)))).toBe(blob);
  }
  expect(readdirSync(folder).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  return manifests.map(({ digest }) => digest);
}

describe("an image that was made elsewhere", () => {
  test("is kept byte by byte, opened again after a restart, and shares its layers", async () => {
    using content = contentFixture();
    const incoming = image();
    const info = await keep(content, incoming);
    expect(info).toMatchObject({ digest: sha256Digest(incoming.manifest), kind: "program", files: 0 });
    expect(content.images.hasImage(info.digest)).toBe(true);
    content.reopen();
    expect(content.images.imageInfo(info.digest)).toEqual(info);
    const opened = await content.images.open(info.digest);
    expect(opened).toMatchObject({
      mediaType: incoming.mediaType,
      manifest: incoming.manifest,
      config: incoming.config,
    });
    for (const [i, layer] of opened.layers.entries()) {
      expect(sha256Digest(Buffer.concat(await collect(layer.content())))).toBe(incoming.layers[i]!.descriptor.digest);
    }
    const next = incomingImage([base, plainLayer({ "www/index.html": "<h2>" })]);
    await keep(content, next);
    expect(next.asked).toBe(1);
    expect(expectValidLayout(content)).toHaveLength(2);
    await expect(content.images.readTree(info.digest)).rejects.toMatchObject({
      code: "DRIVER_MISSING",
      message: expect.stringContaining("`docker`"),
    });
  });

  test("is a site if its files are one; a program becomes one, and a site keeps its folder", async () => {
    using content = contentFixture();
    const incoming = image();
    await keep(content, incoming);
    const tree = await content.add({ "index.html": "<h1>" });
    const info = await keep(content, incoming, { folder: "/www", tree });
    expect(info).toMatchObject({ kind: "site", files: 1, bytes: 4 });
    expect(await content.images.readTree(info.digest)).toEqual(tree);
    expect(await keep(content, incoming)).toEqual(info);
    await expect(keep(content, incoming, { folder: "/other", tree })).rejects.toMatchObject({ code: "IMAGE_INVALID" });
    expect((await content.images.open(info.digest)).layers).toHaveLength(2);
  });

  test("goes when nobody keeps it, with the blobs that nobody else needs", async () => {
    using content = contentFixture();
    const first = await keep(content, image());
    const tree = await content.add({ "index.html": "<h2>" });
    const second = await keep(content, incomingImage([base, plainLayer({ a: randomBytes(9000) })]), {
      folder: "/",
      tree,
    });
    const options = { beforeRemoval: async () => {}, log: silentLogger };
    const freed = await collectGarbage(content.images, { ...options, keepImages: () => new Set([first.digest]) });
    expect(freed.images).toBe(1);
    expect(freed.bytes).toBeGreaterThan(9000);
    expect(expectValidLayout(content)).toEqual([first.digest]);
    expect((await content.images.open(first.digest)).layers).toHaveLength(2);
    expect(content.images.imageInfo(second.digest)).toBeUndefined();
    await collectGarbage(content.images, { ...options, keepImages: () => new Set() });
    expect(content.images.taken.blobs.list()).toEqual([]);
  });

  test.each([
    [
      "a layer is another",
      (i: IncomingImage) => ({
        ...i,
        layers: image().layers.map((l) => ({
          ...l,
          content: async function* () {
            yield randomBytes(9);
          },
        })),
      }),
    ],
    [
      "a layer ends early",
      (i: IncomingImage) => ({
        ...i,
        layers: i.layers.map((l) => ({
          ...l,
          async *content() {
            yield Buffer.alloc(1);
          },
        })),
      }),
    ],
    [
      "a layer is longer",
      (i: IncomingImage) => ({
        ...i,
        layers: i.layers.map((l) => ({
          ...l,
          async *content() {
            yield* l.content();
            yield Buffer.alloc(1);
          },
        })),
      }),
    ],
    ["the config is another", (i: IncomingImage) => ({ ...i, config: Buffer.from("{}") })],
    ["a layer is missing", (i: IncomingImage) => ({ ...i, layers: i.layers.slice(1) })],
    ["the manifest is an index", (i: IncomingImage) => ({ ...i, manifest: json({ schemaVersion: 2, manifests: [] }) })],
    ["the manifest is none", (i: IncomingImage) => ({ ...i, manifest: Buffer.from("hello") })],
  ])("is refused if %s, and leaves nothing behind", async (_, change) => {
    using content = contentFixture();
    await expect(keep(content, change(image()))).rejects.toMatchObject({ code: "IMAGE_INVALID" });
    expect(content.images.taken.blobs.list().length).toBeLessThan(2);
    expect(expectValidLayout(content)).toEqual([]);
  });

  test("that lost a blob is served as a site, is not given away, and is whole when it comes again", async () => {
    using content = contentFixture();
    const tree = await content.add({ "index.html": "<h1>" });
    const incoming = image();
    const { digest } = await keep(content, incoming, { folder: "/www", tree });
    const program = incomingImage([base]);
    await keep(content, program);
    rmSync(blobPath(content, incoming.layers[0]!.descriptor.digest));
    truncateSync(blobPath(content, incoming.layers[1]!.descriptor.digest), 5);
    content.reopen();
    expect(content.images.hasImage(digest)).toBe(true);
    expect(content.images.damagedImages()).toEqual([sha256Digest(program.manifest)]);
    expect(await content.images.readTree(digest)).toEqual(tree);
    await expect(content.images.open(digest)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
    await keep(content, image(), { folder: "/www", tree });
    expect((await content.images.open(digest)).layers).toHaveLength(2);
    expect(content.images.damagedImages()).toEqual([]);
  });

  test("of which a blob changed on the disk is not given away, and comes again", async () => {
    using content = contentFixture();
    const incoming = image();
    const tree = await content.add({ "index.html": "<h1>" });
    const { digest } = await keep(content, incoming, { folder: "/www", tree });
    const { digest: layer } = incoming.layers[0]!.descriptor;
    const bytes = readFileSync(blobPath(content, layer));
    bytes[100]! ^= 1;
    writeFileSync(blobPath(content, layer), bytes);
    const [damaged] = (await content.images.open(digest)).layers;
    await expect(collect(damaged!.content())).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
    await expect(content.images.open(digest)).rejects.toThrow("is lost");
    expect(content.images.find(digest, "/www")).toBeUndefined();
    await keep(content, incoming, { folder: "/www", tree });
    expect(content.images.find(digest, "/www")).toMatchObject({ digest });
    writeFileSync(join(content.images.folder, `${digest.slice(7)}.tree`), "damaged");
    await keep(content, incoming, { folder: "/www", tree });
    expect(await content.images.readTree(digest)).toEqual(tree);
  });

  test("that is cancelled, or whose source fails, leaves whole blobs only, which the next try does not fetch again", async () => {
    using content = contentFixture();
    const incoming = image();
    const [first, second] = incoming.layers;
    const failing = {
      ...incoming,
      layers: [
        first!,
        {
          ...second!,
          async *content() {
            yield Buffer.alloc(1);
            throw new Error("the line broke");
          },
        },
      ],
    };
    await expect(content.images.taken.receive(failing, quiet)).rejects.toThrow("the line broke");
    const aborted = AbortSignal.abort(new Error("superseded"));
    await expect(content.images.taken.receive(image(), { ...quiet, signal: aborted })).rejects.toThrow("superseded");
    expect(readdirSync(content.images.taken.blobs.folder).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});

test("a crash leaves a valid layout, and the next start removes what is half-written and what the index should not name", async () => {
  using content = contentFixture();
  const { digest } = await keep(content, image());
  const { folder } = content.images.taken.blobs;
  writeFileSync(join(folder, "blob-1234.tmp"), "half");
  writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [] }));
  content.reopen();
  expect(expectValidLayout(content)).toEqual([digest]);
  expect(existsSync(join(folder, "blob-1234.tmp"))).toBe(false);
});

test("a crash at any point of taking, or of collecting, leaves every kept image whole, and the next collection ends the work", async () => {
  using content = contentFixture();
  const kept = await keep(content, image());
  const crashes: ContentFixture[] = [];
  const { blobs } = content.images.taken;
  const crash = <Arguments extends unknown[], Result>(act: (...args: Arguments) => Result) => {
    return (...args: Arguments): Result => {
      expectValidLayout(content); // also before a start has looked at it
      crashes.push(content.crashed());
      const result = act(...args);
      if (!(result instanceof Promise)) crashes.push(content.crashed());
      return result;
    };
  };
  blobs.add = crash(blobs.add.bind(blobs));
  blobs.remove = crash(blobs.remove.bind(blobs));
  blobs.writeIndex = crash(blobs.writeIndex.bind(blobs));
  const transaction = content.store.transaction.bind(content.store);
  content.store.transaction = (work) => crash(() => transaction(work))();
  const tree = await content.add({ "index.html": "<h2>" });
  const next = incomingImage([base, plainLayer({ "www/index.html": "<h2>" })]);
  const taken = await keep(content, next, { folder: "/www", tree });
  const options = { keepImages: () => new Set([kept.digest]), beforeRemoval: async () => {}, log: silentLogger };
  await collectGarbage(content.images, options);
  expect(crashes.length).toBeGreaterThan(10);
  for (const crashed of crashes) {
    using _ = crashed;
    const offered = expectValidLayout(crashed);
    expect(offered).toContain(kept.digest);
    if (crashed.images.hasImage(taken.digest)) expect(await crashed.images.readTree(taken.digest)).toEqual(tree);
    await collectGarbage(crashed.images, options);
    expect(expectValidLayout(crashed)).toEqual([kept.digest]);
    expect(crashed.images.taken.blobs.list()).toHaveLength(4);
  }
});
