import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { Builder, BuildResult } from "../builds/index.ts";
import { MemoryTree } from "../builds/memory-tree.ts";
import type { AppDefinition } from "../config/index.ts";
import { type ContentFixture, contentFixture } from "../images/content-fixture.ts";
import { type FakeRegistry, fakeRegistry } from "../images/registry/fakes.ts";
import { json, MEDIA_TYPES, openRegistryClient, parseReference, pullImage, sha256Digest } from "../images/index.ts";
import { writeBase } from "../images/writer/base-fixture.ts";
import { systemClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { clusterContent } from "./cluster-content.ts";
import { siteBase } from "./site-base.ts";

const { signal } = new AbortController();
const registries = { env: {}, insecure: new Set<string>(), clock: systemClock };
const sending = () => Promise.resolve({ [Symbol.dispose]() {} });
const parts = { sending, deployment: 1, tree: new MemoryTree({}), label: "v1", signal, onLine() {}, progress() {} };

interface World {
  content: ContentFixture;
  registry: FakeRegistry;
  folder: string;
  /** What a build gives. */
  result: () => BuildResult | Promise<BuildResult>;
  base: string | null;
}

function portOf({ content, folder, result, base }: World) {
  return clusterContent({
    builder: { buildImage: async () => await result() } as unknown as Builder,
    images: content.images,
    registries,
    siteBase: siteBase(base, `${folder}/none`),
    layerFile: `${folder}/layers.json`,
    log: silentLogger,
  });
}

async function withWorld(work: (world: World) => Promise<void>): Promise<void> {
  using folder = temporaryFolder("cluster-content");
  using content = contentFixture();
  await using registry = await fakeRegistry();
  writeBase(folder.file("base"), ["amd64", "arm64"]);
  const tree = await content.add({ "index.html": "<p>hello</p>".repeat(100) });
  const result = (): BuildResult => ({ kind: "files", tree });
  await work({ content, registry, folder: folder.path, result, base: `oci:${folder.file("base")}` });
}

const appAt = ({ registry }: World, change: Partial<AppDefinition> = {}): AppDefinition =>
  testDefinition("blog", { image: { repository: `${registry.host}/team/blog`, site: null }, ...change });

/** Puts an image into the registry; what of its config is about running is `inner`. */
function putImage({ registry }: World, tag: string, inner: object | undefined, os = "linux"): string {
  const config = json({
    os,
    architecture: "s390x",
    ...(inner && { config: inner, history: [{}] }),
    rootfs: { type: "layers", diff_ids: [] },
  });
  registry.blobs.set(sha256Digest(config), config);
  const descriptor = { mediaType: MEDIA_TYPES.config, digest: sha256Digest(config), size: config.length };
  const manifest = json({ schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config: descriptor, layers: [] });
  const image = { mediaType: MEDIA_TYPES.manifest, digest: sha256Digest(manifest), size: manifest.length };
  registry.manifests.set(image.digest, { content: manifest, mediaType: MEDIA_TYPES.manifest });
  const platform = { os, architecture: "s390x" };
  const index = json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [{ ...image, platform }] });
  for (const name of [tag, sha256Digest(index)])
    registry.manifests.set(name, { content: index, mediaType: MEDIA_TYPES.index });
  return sha256Digest(index);
}

describe("a site", () => {
  test("is in the registry once it is built, for all platforms of the base; a tag comes later, and nothing is kept", () =>
    withWorld(async (world) => {
      const { registry, content, folder } = world;
      const port = portOf(world);
      const places: string[] = [];
      const inPlace = (): Promise<Disposable> => {
        places.push(`taken with ${registry.seen.length} requests`);
        return Promise.resolve({ [Symbol.dispose]: () => void places.push("given back") });
      };
      const { digest, files } = await port.build({ ...parts, sending: inPlace, definition: appAt(world) });
      expect(files).toBe(1);
      expect(places).toEqual(["taken with 0 requests", "given back"]);
      const tags = (): string[] => [...registry.manifests.keys()].filter((name) => !name.startsWith("sha256:"));
      expect(tags()).toEqual([]);
      const index = JSON.parse(registry.manifests.get(digest)?.content.toString() ?? "") as { manifests: unknown[] };
      expect(index.manifests).toHaveLength(2);
      expect(content.images.imageInfo(digest)).toBeUndefined();
      expect(port.hasImage(digest)).toBe(true);

      const reference = `${registry.host}/team/blog:release-v1`;
      await port.push({ digest, reference, signal, progress() {} });
      expect(sha256Digest(registry.manifests.get("release-v1")?.content ?? Buffer.alloc(0))).toBe(digest);
      // Of what is remembered, the next one is made without a look at the files.
      expect(existsSync(`${folder}/layers.json`)).toBe(true);
      const again = await portOf(world).build({ ...parts, definition: appAt(world) });
      expect(again.digest).toBe(digest);
    }));

  test("is served as the app says, which makes another image", () =>
    withWorld(async (world) => {
      const port = portOf(world);
      const plain = await port.build({ ...parts, definition: appAt(world) });
      const change = { cleanUrls: true, fallback: "index.html", notFoundPage: "errors/404.html" };
      const { digest } = await port.build({ ...parts, definition: appAt(world, change) });
      expect(digest).not.toBe(plain.digest);
      using client = await openRegistryClient(registries);
      const reference = parseReference(`${world.registry.host}/team/blog@${digest}`);
      const { config } = await pullImage(client, reference, { platform: { os: "linux", architecture: "amd64" } });
      expect((JSON.parse(config.toString()) as { config: object }).config).toMatchObject({
        Entrypoint: ["/steppe-static"],
        Cmd: ["-not-found-filename=errors/404.html", "-fallback=index.html", "-clean-urls"],
      });
    }));

  test("wants a repository and a base", () =>
    withWorld(async (world) => {
      const build = (definition: AppDefinition, base = world.base) =>
        portOf({ ...world, base }).build({ ...parts, definition });
      await expect(build(appAt(world, { image: null }))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
      await expect(build(appAt(world), null)).rejects.toMatchObject({
        code: "IMAGE_NOT_FOUND",
        hint: expect.stringContaining("npm run build:site-server"),
      });
      expect(() => siteBase("no image")).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
    }));
});

test("what a Dockerfile made is kept until it is pushed, whatever it is", () =>
  withWorld(async (world) => {
    const digest = putImage(world, "made", { Cmd: ["/server"] });
    using client = await openRegistryClient(registries);
    const reference = parseReference(`${world.registry.host}/team/blog@${digest}`);
    const incoming = await pullImage(client, reference, { platform: { os: "linux", architecture: "s390x" } });
    const result = (): BuildResult => ({
      kind: "image",
      image: { ...incoming, [Symbol.asyncDispose]: () => Promise.resolve() },
    });
    const port = portOf({ ...world, result });
    const built = await port.build({ ...parts, definition: appAt(world) });
    expect(world.content.images.imageInfo(built.digest)?.kind).toBe("program");
    world.registry.manifests.clear();
    const target = `${world.registry.host}/team/blog:release-v2`;
    await port.push({ digest: built.digest, reference: target, signal, progress() {} });
    expect([...world.registry.manifests.keys()]).toEqual(["release-v2", built.digest]);
    const freed = await port.collectGarbage(
      () => new Set(),
      () => Promise.resolve(),
    );
    expect(freed.images).toBe(1);
    expect(port.hasImage(built.digest)).toBe(true);
  }));

describe("an image of the registry", () => {
  const pull = (world: World, digest: string, change: Partial<AppDefinition> = {}) => {
    const reference = `${world.registry.host}/team/blog:v1@${digest}`;
    return portOf(world).pull({ definition: appAt(world, change), reference, signal, progress() {} });
  };

  test("stays there, and counts by the digest that it was asked for", () =>
    withWorld(async (world) => {
      const digest = putImage(world, "v1", { Cmd: ["/server"] });
      expect(await pull(world, digest)).toMatchObject({ digest, files: 0 });
      expect(world.content.images.imageInfo(digest)).toBeUndefined();
    }));

  test.each([
    ["that is not for Linux", { Cmd: ["/server"] }, "windows", "IMAGE_NOT_FOUND", "only for windows/s390x"],
    ["that is a site's files alone", undefined, "linux", "IMAGE_INVALID", "it holds files and no program"],
    ["that names no program", { WorkingDir: "/" }, "linux", "IMAGE_INVALID", "it does not say what runs in it"],
  ] as const)("%s is refused at once", (_, inner, os, code, cause) =>
    withWorld(async (world) => {
      const digest = putImage(world, "v1", inner, os);
      await expect(pull(world, digest)).rejects.toMatchObject({ code, reason: expect.stringContaining(cause) });
      // A job of the user's own says what runs.
      if (os === "linux") expect(await pull(world, digest, { job: "job {}" })).toMatchObject({ digest });
    }),
  );
});
