import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { sha256Digest } from "../oci-manifest.ts";
import { fakeRegistry, type FakeRegistry, type Seen, testClient } from "../registry/fakes.ts";
import { parseReference } from "../registry/reference.ts";
import type { Tree } from "../types.ts";
import { layoutBase, openBase } from "./base-image.ts";
import { writeBase } from "./base-fixture.ts";
import { buildImage, type BuildImageRequest, type ImageBuild } from "./build-image.ts";
import { LayerCache } from "./layer-cache.ts";

type Files = Readonly<Record<string, string>>;

/** Builds a site of these files, read in the order given, into the layout `out` of the folder. */
async function build(
  folder: TemporaryFolder,
  files: Files,
  changes: Partial<BuildImageRequest> & { baseFolder?: string } = {},
): Promise<ImageBuild> {
  const { baseFolder = "base", ...rest } = changes;
  if (!existsSync(folder.file(baseFolder))) writeBase(folder.file(baseFolder), ["amd64", "arm64"]);
  return await buildImage({
    async readSite(content) {
      const batch = content.begin();
      const tree: Tree[number][] = [];
      for (const [path, text] of Object.entries(files)) tree.push({ path, ...(await batch.add(Buffer.from(text))) });
      return tree.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    },
    base: openBase(layoutBase(folder.file(baseFolder)), null),
    facts: Promise.resolve({ labels: {}, createdAt: null }),
    reference: parseReference("registry.example.com/site:v1"),
    client: null,
    output: { kind: "layout", folder: folder.file("out") },
    compression: "gzip",
    precompress: false,
    cache: new LayerCache(folder.file("cache", "layers.json")),
    signal: new AbortController().signal,
    ...rest,
  });
}

interface Descriptor {
  digest: string;
  mediaType: string;
  annotations?: Record<string, string>;
}

function readBlob(layout: string, digest: string): Buffer {
  const bytes = readFileSync(join(layout, "blobs", digest.replace(":", "/")));
  expect(sha256Digest(bytes)).toBe(digest);
  return bytes;
}

function readJson(layout: string, digest: string): Record<string, unknown> {
  return JSON.parse(readBlob(layout, digest).toString()) as Record<string, unknown>;
}

/** The files of the first image of a layout's first index, each layer checked against its diff id. */
async function unpack(layout: string): Promise<{ files: Record<string, Buffer>; config: Record<string, unknown> }> {
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: Descriptor[] };
  const index = readJson(layout, manifests[0]?.digest ?? "") as { manifests: Descriptor[] };
  const manifest = readJson(layout, index.manifests[0]?.digest ?? "") as { config: Descriptor; layers: Descriptor[] };
  const config = readJson(layout, manifest.config.digest);
  const { diff_ids } = config["rootfs"] as { diff_ids: string[] };
  const files: Record<string, Buffer> = {};
  for (const [i, { digest, mediaType }] of manifest.layers.entries()) {
    const blob = readBlob(layout, digest);
    const archive = mediaType.endsWith("+gzip")
      ? gunzipSync(blob)
      : mediaType.endsWith("+zstd")
        ? zstdDecompressSync(blob)
        : blob;
    expect(sha256Digest(archive)).toBe(diff_ids[i]);
    for await (const entry of Readable.from([archive]).pipe(extract())) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (entry.header.type === "file") files[entry.header.name] = Buffer.concat(chunks);
    }
  }
  expect(diff_ids).toHaveLength(manifest.layers.length);
  return { files, config };
}

/** 40 folders of 50 pages, 2 MB: some layers. */
function someSite(changed: Files = {}): Files {
  const files: Record<string, string> = {};
  for (let i = 0; i < 2000; i++) files[`section-${i % 40}/page-${i}.html`] = `page ${i} `.repeat(100);
  return { ...files, ...changed };
}

describe("an image of a folder", () => {
  test("is the same for the same files: in whatever order, with or without what is remembered of layers", async () => {
    const path = fc
      .array(fc.stringMatching(/^[a-zé🦊_-]{1,12}$/u), { minLength: 1, maxLength: 4 })
      .map((names) => `${names.join("/")}.html`);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(path, fc.string({ maxLength: 3000 }), { minKeys: 1 }), async (files) => {
        using here = temporaryFolder("writer");
        using there = temporaryFolder("writer");
        const cache = new LayerCache(here.file("cache/layers.json"));
        const one = await build(here, files, { cache });
        cache.save();
        const again = await build(here, files);
        const other = await build(there, Object.fromEntries(Object.entries(files).toReversed()));
        expect([again.digest, other.digest]).toEqual([one.digest, one.digest]);
        expect(again.layers.made).toBe(0);
        const { files: unpacked } = await unpack(here.file("out"));
        const found = Object.entries(unpacked).filter(([name]) => name.startsWith("www/"));
        expect(Object.fromEntries(found.map(([name, bytes]) => [name.slice(4), bytes.toString()]))).toEqual(
          Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString()])),
        );
      }),
      { numRuns: 30 },
    );
  });

  test("is what it was when this version was made, on every machine, whichever zlib it has", async () => {
    using folder = temporaryFolder("writer");
    const { digest } = await build(folder, someSite(), { compression: "none", output: null });
    expect(digest).toBe("sha256:59e598b4310236378dbc0d0a4ed7e55d8688c8a7bc8b0aa50fc0389a5566e01e");
  });

  test("makes only the layers anew whose files changed", async () => {
    using folder = temporaryFolder("writer");
    const first = await build(folder, someSite(), { output: null });
    expect(first.layers).toEqual({ site: expect.any(Number), made: first.layers.site });
    expect(first.layers.site).toBeGreaterThan(3);
    const changed = someSite({ "section-7/page-7.html": "other" });
    const request = { cache: new LayerCache(folder.file("cache/layers.json")), output: null };
    await build(folder, someSite(), request);
    request.cache.save();
    const second = await build(folder, changed, {
      cache: new LayerCache(folder.file("cache/layers.json")),
      output: null,
    });
    expect(second.layers.made).toBe(1);
    expect(second.digest).not.toBe(first.digest);
  });

  test.each(["gzip", "zstd", "none"] as const)("holds the same files compressed by %s", async (compression) => {
    using folder = temporaryFolder("writer");
    await build(folder, { "index.html": "hello", "a/b.txt": "x".repeat(300_000) }, { compression });
    const { files } = await unpack(folder.file("out"));
    expect(files["www/a/b.txt"]?.length).toBe(300_000);
  });

  test("inherits the base's config, but not what was said of the base; says what it is told", async () => {
    using folder = temporaryFolder("writer");
    const facts = { labels: { "org.opencontainers.image.revision": "abc", own: "1" }, createdAt: 1_700_000_000_000 };
    await build(folder, { "index.html": "hello" }, { facts: Promise.resolve(facts) });
    const { files, config } = await unpack(folder.file("out"));
    expect(files["steppe-static"]?.toString()).toBe("the program of amd64");
    expect(config).toMatchObject({
      architecture: "amd64",
      created: "2023-11-14T22:13:20.000Z",
      config: {
        Entrypoint: ["/steppe-static"],
        WorkingDir: "/www",
        User: "65534:65534",
        Labels: { mark: "kept", "org.opencontainers.image.revision": "abc", own: "1" },
      },
      history: [{ created_by: "the base" }, { created_by: "steppe build" }],
    });
    expect(JSON.stringify(config)).not.toContain('the base","mark');
  });

  test("with compressed forms has them in layers of their own, where they save something", async () => {
    using folder = temporaryFolder("writer");
    const text = "words and words ".repeat(500);
    const files = {
      "index.html": text,
      "small.html": "x",
      "mine.html": text,
      "mine.html.br": "my own",
      "photo.jpg": text,
    };
    const built = await build(folder, files, { precompress: true });
    expect(built.layers).toEqual({ site: 2, made: 2 });
    const { files: found } = await unpack(folder.file("out"));
    expect(
      Object.keys(found)
        .filter((name) => /\.(br|zst|gz)$/.test(name))
        .sort(),
    ).toEqual(
      ["index.html.br", "index.html.gz", "index.html.zst", "mine.html.br", "mine.html.gz", "mine.html.zst"].map(
        (name) => `www/${name}`,
      ),
    );
    expect(found["www/mine.html.br"]?.toString()).toBe("my own");
    expect(brotliDecompressSync(found["www/index.html.br"] ?? "").toString()).toBe(text);
    expect((await build(folder, files, { precompress: true, output: null })).digest).toBe(built.digest);
    const none = await build(folder, { "photo.jpg": "x" }, { precompress: true, output: null });
    expect(none.layers.site).toBe(2);
  });

  test("is made anew where what is remembered of a layer is wrong, after an error that says so", async () => {
    using folder = temporaryFolder("writer");
    const cache = new LayerCache(folder.file("cache/layers.json"));
    const digest = `sha256:${"0".repeat(64)}`;
    const wrong: Pick<LayerCache, "get" | "set" | "forget" | "save"> = Object.create(cache, {
      get: { value: () => ({ digest, size: 1, diffId: digest }) },
      forget: { value: (key: string) => forgotten.push(key) },
    }) as LayerCache;
    const forgotten: string[] = [];
    const building = build(folder, { "index.html": "hello" }, { cache: wrong as LayerCache });
    await expect(building).rejects.toMatchObject({ code: "CONTENT_CORRUPT", hint: expect.stringContaining("again") });
    expect(forgotten).toHaveLength(1);
    expect(existsSync(folder.file("out"))).toBe(false);
  });
});

describe("a push", () => {
  /** Builds and pushes to a registry, and remembers what it did. */
  async function push(
    folder: TemporaryFolder,
    { host }: FakeRegistry,
    files: Files,
    changes: Partial<BuildImageRequest> = {},
  ): Promise<ImageBuild> {
    const cache = new LayerCache(folder.file("cache/layers.json"));
    using client = testClient({ retry: { attempts: 2 } }).client;
    const reference = parseReference(`${host}/r:v1`);
    const built = await build(folder, files, { client, reference, output: null, cache, ...changes });
    cache.save();
    return built;
  }

  /** Method and kind of all requests since the last time. */
  function requests({ seen }: FakeRegistry): string[] {
    const kindOf = ({ target }: Seen): string => /.*\/(manifests|uploads|blobs)\//.exec(target)?.[1] ?? "";
    return seen.splice(0).map((one) => `${one.method} ${kindOf(one)}`);
  }

  const count = (all: readonly string[], wanted: string): number => all.filter((one) => one === wanted).length;

  /** A registry that takes no manifest of which it lacks a blob. */
  async function strictRegistry(): Promise<FakeRegistry> {
    const registry = await fakeRegistry(({ method, target, body }, response) => {
      if (method !== "PUT" || !target.includes("/manifests/")) return false;
      const { config, layers = [] } = JSON.parse(body.toString()) as { config?: Descriptor; layers?: Descriptor[] };
      const named = config === undefined ? [] : [config, ...layers];
      if (named.every(({ digest }) => registry.blobs.has(digest))) return false;
      response.writeHead(400).end('{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}');
      return true;
    });
    return registry;
  }

  test("asks for each blob at the first time; then sends what is new, without asking for any", async () => {
    using folder = temporaryFolder("writer");
    await using registry = await strictRegistry();
    const first = await push(folder, registry, someSite());
    const blobs = first.layers.site + 4; // a base and a config for each of two platforms
    expect(first.pushed?.blobs).toEqual({ there: 0, mounted: 0, uploaded: blobs });
    const asked = requests(registry);
    expect([count(asked, "HEAD blobs"), count(asked, "POST uploads"), count(asked, "PUT uploads")]).toEqual([
      blobs,
      blobs,
      blobs,
    ]);
    const second = await push(folder, registry, someSite({ "section-7/page-7.html": "other" }));
    expect(second.pushed?.blobs).toEqual({ there: blobs - 3, mounted: 0, uploaded: 3 });
    const sent = requests(registry);
    const [gets, puts] = [sent.slice(0, 3), sent.slice(-3)];
    expect([gets, puts]).toEqual([Array(3).fill("GET manifests"), Array(3).fill("PUT manifests")]);
    expect(sent.slice(3, -3).sort()).toEqual([...Array(3).fill("POST uploads"), ...Array(3).fill("PUT uploads")]);
    const third = await push(folder, registry, someSite({ "section-7/page-7.html": "other" }));
    expect(third.pushed).toEqual({ digest: second.digest, blobs: { there: blobs, mounted: 0, uploaded: 0 }, bytes: 0 });
  });

  test("begins the uploads of what is new while it is being made", async () => {
    using folder = temporaryFolder("writer");
    // What is said of the image is not known before all uploads were begun: none waits for the config.
    const { promise: facts, resolve } = Promise.withResolvers<{ labels: Record<string, string>; createdAt: null }>();
    let left = Infinity;
    await using registry = await fakeRegistry(({ method }) => {
      if (method === "POST" && --left === 0) resolve({ labels: {}, createdAt: null });
      return false;
    });
    await push(folder, registry, someSite());
    left = 3;
    const built = await push(folder, registry, someSite({ "section-7/page-7.html": "other" }), { facts });
    expect(built.pushed?.blobs.uploaded).toBe(3);
  });

  test("to a registry that has lost blobs brings them again", async () => {
    using folder = temporaryFolder("writer");
    await using registry = await strictRegistry();
    const first = await push(folder, registry, someSite());
    const lost = [...registry.blobs.keys()].slice(0, 2);
    for (const digest of lost) registry.blobs.delete(digest);
    const second = await push(folder, registry, someSite({ "section-7/page-7.html": "other" }));
    const blobs = first.layers.site + 4;
    expect(second.pushed?.blobs).toEqual({ there: blobs - 5, mounted: 0, uploaded: 5 });
    for (const digest of lost) expect(registry.blobs.has(digest)).toBe(true);
    expect(registry.manifests.get("v1")?.content.length).toBeGreaterThan(0);
  });

  test("that is refused for another reason fails, after all was asked for", async () => {
    using folder = temporaryFolder("writer");
    let isClosed = false;
    await using registry = await fakeRegistry(({ method, target }, response) => {
      if (!isClosed || method !== "PUT" || !target.includes("/manifests/")) return false;
      response.writeHead(400).end('{"errors":[{"code":"TAG_INVALID","message":"this tag stays"}]}');
      return true;
    });
    await push(folder, registry, { "index.html": "1" });
    isClosed = true;
    await expect(push(folder, registry, { "index.html": "2" })).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
      message: expect.stringContaining("TAG_INVALID: this tag stays"),
    });
  });
});

describe("a layout", () => {
  test("keeps images of other names, and gives the name of one that is there to the new", async () => {
    using folder = temporaryFolder("writer");
    const at = (name: string) => ({ reference: parseReference(`registry.example.com/site:${name}`) });
    await build(folder, { "index.html": "1" }, at("v1"));
    await build(folder, { "index.html": "2" }, at("v2"));
    const { digest } = await build(folder, { "index.html": "3" }, at("v2"));
    const { manifests } = JSON.parse(readFileSync(folder.file("out/index.json"), "utf8")) as {
      manifests: Descriptor[];
    };
    expect(manifests.map(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"])).toEqual([
      "v1",
      "v2",
    ]);
    expect(manifests[1]?.digest).toBe(digest);
  });

  test("is not begun in a folder that holds something else", async () => {
    using folder = temporaryFolder("writer");
    mkdirSync(folder.file("out"));
    writeFileSync(folder.file("out/mine"), "");
    await expect(build(folder, { a: "1" })).rejects.toMatchObject({ code: "USAGE", operation: "write" });
    expect(readdirSync(folder.file("out"))).toEqual(["mine"]);
  });

  test("that was interrupted is as it was before", async () => {
    using folder = temporaryFolder("writer");
    await build(folder, { "index.html": "1" });
    const before = readdirSync(folder.path, { recursive: true }).filter((name) => !String(name).startsWith("base"));
    const interrupt = new AbortController();
    const facts = new Promise<{ labels: object; createdAt: null }>((resolve) => {
      interrupt.abort(new Error("interrupted"));
      resolve({ labels: {}, createdAt: null });
    });
    const request = { facts: facts as BuildImageRequest["facts"], signal: interrupt.signal };
    await expect(build(folder, someSite(), request)).rejects.toThrow("interrupted");
    expect(readdirSync(folder.path, { recursive: true }).filter((name) => !String(name).startsWith("base"))).toEqual(
      before,
    );
  });
});

describe("a base", () => {
  test("for a platform that it does not have, without a working directory, or damaged is refused, and why", async () => {
    using folder = temporaryFolder("writer");
    writeBase(folder.file("base"), ["amd64"]);
    const source = layoutBase(folder.file("base"));
    await expect(openBase(source, [{ os: "linux", architecture: "arm64" }])).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      reason: "it has no image for linux/arm64, only for linux/amd64",
    });
    writeBase(folder.file("bare"), ["amd64"], { WorkingDir: "" });
    await expect(build(folder, { a: "1" }, { baseFolder: "bare" })).rejects.toMatchObject({
      code: "IMAGE_INVALID",
      reason: "it names no working directory",
    });
    for (const name of readdirSync(folder.file("base/blobs/sha256"))) {
      writeFileSync(folder.file("base/blobs/sha256", name), "{}");
    }
    await expect(openBase(source, null)).rejects.toMatchObject({ code: "IMAGE_INVALID" });
    await expect(openBase(layoutBase(folder.file("nothing")), null)).rejects.toMatchObject({ code: "IMAGE_INVALID" });
  });
});
