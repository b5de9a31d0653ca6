import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { SteppeError } from "../../shared/errors.ts";
import { contentFixture } from "../content-fixture.ts";
import type { OciImage } from "../types.ts";
import { json, makeManifest, MEDIA_TYPES } from "../oci-manifest.ts";
import { digestOf, fakeRegistry, type FakeRegistry, type Seen, testClient } from "./fakes.ts";
import { parseReference } from "./reference.ts";

const layers = [randomBytes(100_000), randomBytes(250_000), Buffer.from("small")];

function imageOf(contents: readonly Buffer[]): OciImage {
  const described = contents.map((content) => ({ digest: digestOf(content), size: content.length }));
  const { manifest, config } = makeManifest(described);
  return {
    digest: digestOf(manifest),
    mediaType: MEDIA_TYPES.manifest,
    manifest,
    config,
    configDigest: digestOf(config),
    layers: described.map((layer, i) => ({
      ...layer,
      mediaType: MEDIA_TYPES.layer,
      async *content() {
        const bytes = contents[i]!;
        for (let at = 0; at < bytes.length; at += 9000) yield bytes.subarray(at, at + 9000);
      },
    })),
  };
}

const image = imageOf(layers);
const siteOf = ({ host }: FakeRegistry) => parseReference(`${host}/r:v1`);
const requests = ({ seen }: FakeRegistry, method: string): Seen[] =>
  seen.filter((request) => request.method === method);

function expectWhole({ blobs, manifests }: FakeRegistry): void {
  for (const content of [...layers, image.config]) expect(blobs.get(digestOf(content))?.equals(content)).toBe(true);
  expect(manifests.get("v1")?.content.equals(image.manifest)).toBe(true);
}

describe("a push", () => {
  test("of an image of the store brings what is missing, then the tag; again, it brings nothing", async () => {
    using store = contentFixture();
    const { digest } = await store.images.createImage(
      await store.add({ "index.html": "<h1>", "large.bin": randomBytes(3_000_000) }),
    );
    const stored = await store.images.open(digest);
    await using registry = await fakeRegistry();
    const { client } = testClient();
    const blobs: string[] = [];
    const first = await client.push(siteOf(registry), stored, { onBlob: (blob) => blobs.push(blob) });
    expect(first).toMatchObject({ digest, blobs: { there: 0, mounted: 0, uploaded: stored.layers.length + 1 } });
    expect(first.bytes).toBe(stored.layers.reduce((sum, { size }) => sum + size, stored.config.length));
    expect(blobs.sort()).toEqual([...stored.layers.map((layer) => layer.digest), stored.configDigest].sort());
    expect(registry.seen.at(-1)).toMatchObject({ method: "PUT", target: "/v2/r/manifests/v1" });
    const again = await client.push({ ...siteOf(registry), tag: "v2" }, stored);
    expect(again).toEqual({ digest, blobs: { there: stored.layers.length + 1, mounted: 0, uploaded: 0 }, bytes: 0 });
    expect((await client.resolve({ ...siteOf(registry), tag: "v2" })).digest).toBe(digest);
  });

  test("leaves the query of a Location as it is", async () => {
    await using registry = await fakeRegistry();
    await testClient().client.push(siteOf(registry), image);
    expectWhole(registry);
    for (const { target } of requests(registry, "PUT").slice(0, -1)) {
      expect(target).toMatch(/\?_state=a%2Fb==&digest=sha256%3A[0-9a-f]{64}$/);
    }
  });

  test("whose Location is on another host goes there, without what is secret", async () => {
    await using storage = await fakeRegistry();
    await using registry = await fakeRegistry(({ method, target, headers }, response) => {
      if (headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
        return true;
      }
      if (method !== "POST") return false;
      // What an upload is called elsewhere is begun there.
      void fetch(`http://${storage.host}${target}`, { method }).then((begun) => {
        response.writeHead(202, { location: `http://${storage.host}${begun.headers.get("location")}` }).end();
      });
      return true;
    });
    const credentials = async () => ({ username: "u", password: "p" });
    await testClient({ credentials }).client.push(siteOf(registry), image, { chunkBytes: 60_000 });
    for (const content of layers) expect(storage.blobs.get(digestOf(content))?.equals(content)).toBe(true);
    expect(registry.manifests.has("v1")).toBe(true);
    for (const { headers } of storage.seen) expect(headers.authorization).toBeUndefined();
  });

  test("in pieces: as large as was told, or as the registry wants at least", async () => {
    await using registry = await fakeRegistry(undefined, { "oci-chunk-min-length": "60000" });
    await testClient().client.push(siteOf(registry), image, { chunkBytes: 40_000, parallel: 1 });
    expectWhole(registry);
    const sizes = requests(registry, "PATCH").map(({ body, headers }) => [body.length, headers["content-range"]]);
    expect(sizes).toEqual([
      [60_000, "0-59999"],
      [40_000, "60000-99999"],
      [60_000, "0-59999"],
      [60_000, "60000-119999"],
      [60_000, "120000-179999"],
      [60_000, "180000-239999"],
      [10_000, "240000-249999"],
    ]);
  });

  test.for<[string, (seen: Seen, response: ServerResponse) => boolean]>([
    ["whose connection breaks off", (_, response) => response.destroy() !== undefined],
    ["that comes too fast", (_, response) => response.writeHead(429, { "retry-after": "1" }).end() !== undefined],
    ["while the registry is busy", (_, response) => response.writeHead(503).end() !== undefined],
  ])("in pieces, of which some fail: %s", async ([, fail]) => {
    let patches = 0;
    await using registry = await fakeRegistry(
      (seen, response) => seen.method === "PATCH" && ++patches % 2 === 0 && fail(seen, response),
    );
    await testClient().client.push(siteOf(registry), image, { chunkBytes: 50_000, parallel: 1 });
    expectWhole(registry);
  });

  test("of which every request is first told to come later waits for that, and brings all", async () => {
    const told = new Set<string>();
    await using registry = await fakeRegistry(({ method, target }, response) => {
      const request = `${method} ${target}`;
      if (told.has(request)) return false;
      told.add(request);
      response.writeHead(429, { "retry-after": "3" }).end();
      return true;
    });
    const { client, clock } = testClient();
    await client.push(siteOf(registry), image, { parallel: 1 });
    expectWhole(registry);
    expect(clock.waits.length).toBeGreaterThan(8);
    expect(new Set(clock.waits)).toEqual(new Set([3250]));
  });

  test("of which the tag comes too fast for hours is told so, and is not asked for again", async () => {
    await using registry = await fakeRegistry(({ method, target }, response) => {
      const isTag = method === "PUT" && target.includes("manifests");
      if (isTag) response.writeHead(429, { "retry-after": "21600" }).end();
      return isTag;
    });
    await expect(testClient().client.push(siteOf(registry), image)).rejects.toMatchObject({
      code: "REGISTRY_LIMITED",
      reason: expect.stringContaining("try again in 21600 s") as string,
      retryAfterMs: 21_600_000,
    });
    expect(requests(registry, "PUT").filter(({ target }) => target.includes("manifests"))).toHaveLength(1);
  });

  test("in pieces, of which the registry takes only a part at a time, goes on where it is", async () => {
    await using registry = await fakeRegistry((seen) => {
      if (seen.method === "PATCH") seen.body = seen.body.subarray(0, 30_000);
      return false;
    });
    await testClient().client.push(siteOf(registry), image, { chunkBytes: 50_000 });
    expectWhole(registry);
  });

  test("in pieces to a registry that never takes one is given up", async () => {
    await using registry = await fakeRegistry(
      ({ method }, response) => method === "PATCH" && response.destroy() !== undefined,
    );
    const pushed = testClient().client.push(siteOf(registry), image, { chunkBytes: 50_000, parallel: 1 });
    await expect(pushed).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    // It may have been taken, and only the answer lost: so none is sent again before the registry was asked.
    expect(registry.seen.map(({ method }) => method).join(" ")).not.toContain("PATCH PATCH");
  });

  test("in pieces to a registry that loses again what it had taken is given up", async () => {
    let patches = 0;
    await using registry = await fakeRegistry(({ method, target }, response) => {
      if (method === "PATCH" && ++patches % 2 === 0) response.writeHead(503).end();
      else if (method === "PATCH") response.writeHead(202, { location: target }).end();
      else if (method === "GET") response.writeHead(204, { range: "0-0" }).end();
      else return false;
      return true;
    });
    const { client } = testClient({ retry: { attempts: 2 } });
    const pushed = client.push(siteOf(registry), image, { chunkBytes: 50_000, parallel: 1 });
    await expect(pushed).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });

  test("whose upload is forgotten, or whose answer is lost, is made again", async () => {
    let puts = 0;
    await using registry = await fakeRegistry(({ method, target }, response) => {
      if (method !== "PUT" || target.includes("manifests") || ++puts > 2) return false;
      if (puts === 1) response.writeHead(404).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}');
      else response.destroy();
      return true;
    });
    const { client } = testClient();
    await client.push(siteOf(registry), image, { parallel: 1 });
    expectWhole(registry);
  });

  test("of content that the registry finds wrong is refused, and is not tried again", async () => {
    await using registry = await fakeRegistry();
    const wrong = imageOf([Buffer.from("right")]);
    wrong.layers[0]!.content = async function* () {
      yield Buffer.from("wrong");
    };
    await expect(testClient().client.push(siteOf(registry), wrong)).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
      message: expect.stringContaining("DIGEST_INVALID: provided digest did not match"),
    });
    expect(registry.manifests.size).toBe(0);
  });

  test("of content that cannot be made fails with that, and ends the other blobs", async () => {
    await using registry = await fakeRegistry(({ method }) => method === "PUT"); // the others would go on for ever
    const broken = imageOf(layers);
    const failure = new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: "a", cause: "gone" });
    broken.layers[0]!.content = async function* () {
      yield Buffer.alloc(10);
      throw failure;
    };
    await expect(testClient().client.push(siteOf(registry), broken)).rejects.toBe(failure);
    expect(registry.manifests.size).toBe(0);
  });

  test("that takes a manifest for another one is an error", async () => {
    await using registry = await fakeRegistry(({ target, method }, response) => {
      if (method !== "PUT" || !target.includes("manifests")) return false;
      response.writeHead(201, { "docker-content-digest": digestOf(json({})) }).end();
      return true;
    });
    await expect(testClient().client.push(siteOf(registry), image)).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
    });
  });

  test("ends with the signal", async () => {
    await using registry = await fakeRegistry(({ method }) => method === "PUT");
    const stop = new AbortController();
    const pushed = testClient().client.push(siteOf(registry), image, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 0);
    await expect(pushed).rejects.toThrow("enough");
  });
});

describe("mounting", () => {
  const mounts = ({ seen }: FakeRegistry): string[] =>
    seen
      .filter(({ target }) => target.includes("mount="))
      .map(({ target }) => new URL(target, "http://x").searchParams.get("from")!);

  test("takes a blob from another repository without sending it", async () => {
    await using registry = await fakeRegistry(({ target }, response) => {
      if (!target.includes("from=team%2Fbase")) return false;
      response.writeHead(201, { location: "/" }).end();
      return true;
    });
    const pushed = await testClient().client.push(siteOf(registry), image, { mountFrom: ["none", "team/base"] });
    expect(pushed).toMatchObject({ blobs: { there: 0, mounted: 4, uploaded: 0 }, bytes: 0 });
    expect(mounts(registry).sort()).toEqual([...Array(4).fill("none"), ...Array(4).fill("team/base")]);
  });

  test("that is refused gives way to sending", async () => {
    await using registry = await fakeRegistry(({ target }, response) => {
      if (!target.includes("from=secret")) return false;
      response.writeHead(403).end();
      return true;
    });
    await testClient().client.push(siteOf(registry), image, { mountFrom: ["other", "secret"] });
    expectWhole(registry);
  });
});
