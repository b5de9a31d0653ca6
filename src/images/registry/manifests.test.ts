import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answerer, digestOf, fakeRegistry, fakeServer, testClient } from "./fakes.ts";
import { chooseManifest, type ImageIndex, ManifestError, parseRemoteManifest, type Platform } from "./manifest.ts";
import { parseReference } from "./reference.ts";

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf("layer"), size: 5 };
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf("config"), size: 6 };
const image = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] }));

async function ask(answer: Answerer) {
  const server = await fakeServer(answer);
  return {
    server,
    ...testClient(),
    site: parseReference(`${server.host}/team/site:v1`),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  };
}

describe("a tag", () => {
  test("is looked up by HEAD, with all forms that are understood, and what the registry allows is told", async () => {
    await using asked = await ask((_, response) =>
      response
        .writeHead(200, {
          "docker-content-digest": digestOf(image),
          "ratelimit-limit": "100;w=21600",
          "ratelimit-remaining": "76;w=21600",
        })
        .end(),
    );
    const { client, site, server } = asked;
    expect(await client.resolve(site)).toEqual({
      digest: digestOf(image),
      rateLimit: { limit: 100, remaining: 76, window: 21_600 },
    });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ method: "HEAD", target: "/v2/team/site/manifests/v1" });
    for (const type of [
      OCI_INDEX,
      OCI_MANIFEST,
      "distribution.manifest.list.v2+json",
      "distribution.manifest.v2+json",
    ]) {
      expect(server.seen[0]?.headers.accept).toContain(type);
    }
  });

  test.for([
    [200, {}],
    [200, { "docker-content-digest": "md5:1" }],
    [405, {}],
    [501, {}],
  ] as const)("of a registry whose HEAD answers %i %j is read", async ([status, headers]) => {
    await using asked = await ask(({ method }, response) =>
      method === "HEAD" ? response.writeHead(status, headers).end() : response.end(image),
    );
    expect((await asked.client.resolve(asked.site)).digest).toBe(digestOf(image));
  });

  test("that is not there says so in the registry's words", async () => {
    await using registry = await fakeRegistry();
    const { client } = testClient();
    const site = parseReference(`${registry.host}/team/site:v1`);
    await expect(client.resolve(site)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      subject: `${registry.host}/team/site:v1`,
    });
    await expect(client.manifest(site)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      reason: `${registry.host} answered 404 Not Found: MANIFEST_UNKNOWN: manifest unknown`,
    });
  });

  test("that a HEAD by digest answers with another digest is refused", async () => {
    await using asked = await ask((_, response) =>
      response.writeHead(200, { "docker-content-digest": digestOf("x") }).end(),
    );
    await expect(asked.client.resolve({ ...asked.site, digest: digestOf(image) })).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
    });
  });
});

describe("a manifest", () => {
  test("that breaks off is read again", async () => {
    let tries = 0;
    await using asked = await ask((_, response) => {
      response.writeHead(200, { "content-type": OCI_MANIFEST, "content-length": String(image.length) });
      if (++tries < 3) response.write(image.subarray(0, 20), () => setImmediate(() => response.destroy()));
      else response.end(image);
    });
    expect((await asked.client.manifest(asked.site)).content.equals(image)).toBe(true);
    expect(asked.clock.waits).toHaveLength(2);
  });

  test.for<[string, Answerer, string]>([
    [
      "another than its header says",
      (_, r) => r.writeHead(200, { "docker-content-digest": digestOf("x") }).end(image),
      "in place of",
    ],
    ["larger than 4 MiB", (_, r) => r.end(Buffer.alloc(4 * 1024 * 1024 + 1, " ")), "longer than 4194304"],
    ["said to be larger", (_, r) => r.writeHead(200, { "content-length": "99999999" }).end(" "), "longer than 4194304"],
    ["no JSON", (_, r) => r.end("<html>"), "no JSON object"],
    ["of an old version", (_, r) => r.end('{"schemaVersion":1}'), "only version 2"],
  ])("that is %s is refused", async ([, answer, why]) => {
    await using asked = await ask(answer);
    await expect(asked.client.manifest(asked.site)).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
      message: expect.stringContaining(why),
    });
  });

  test("asked for by digest is the one with that digest, or none", async () => {
    await using asked = await ask((_, response) => response.end(image));
    const { client, site } = asked;
    const sha512 = `sha512:${"0".repeat(128)}`;
    expect((await client.manifest({ ...site, digest: digestOf(image) })).digest).toBe(digestOf(image));
    for (const digest of [digestOf("x"), sha512]) {
      await expect(client.manifest({ ...site, digest })).rejects.toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
    }
  });

  test.for([
    [{ layers: [], manifests: [] }, "claims to be an image and an index"],
    [{ config, manifests: [] }, "claims to be an image and an index"],
    [{ config, layers: {} }, "layers of the manifest is no list"],
    [{ layers: [] }, "config of the manifest is missing"],
    [{ config, layers: [{ ...layer, digest: "sha256:../../x" }] }, "layers[0].digest"],
    [{ config, layers: [layer, { ...layer, size: -1 }] }, "layers[1].size"],
    [{ config, layers: [{ ...layer, size: 1.5 }] }, "layers[0].size"],
    [{ config, layers: [], mediaType: "application/x" }, "application/x"],
    [{ config, layers: [], mediaType: OCI_INDEX }, OCI_INDEX],
  ] as const)("%j is refused: %s", ([parts, why]) => {
    const content = Buffer.from(JSON.stringify({ schemaVersion: 2, ...parts }));
    expect(() => parseRemoteManifest(content, undefined)).toThrow(ManifestError);
    expect(() => parseRemoteManifest(content, undefined)).toThrow(why);
  });

  test("of any JSON is read or refused, not a defect", () => {
    const parts = fc.record(
      { schemaVersion: fc.constant(2), config: fc.json(), layers: fc.jsonValue(), manifests: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(parts, fc.jsonValue()), (document) => {
        try {
          parseRemoteManifest(Buffer.from(JSON.stringify(document)), "text/plain");
        } catch (error) {
          expect(error).toBeInstanceOf(ManifestError);
        }
      }),
    );
  });

  test("says what it is, or its header does, or its form", () => {
    const form = { schemaVersion: 2, config, layers: [layer] };
    const docker = "application/vnd.docker.distribution.manifest.v2+json";
    const type = (document: object, header?: string) =>
      parseRemoteManifest(Buffer.from(JSON.stringify(document)), header).mediaType;
    expect(type({ ...form, mediaType: docker }, OCI_MANIFEST)).toBe(docker);
    expect(type(form, `${docker}; charset=utf-8`)).toBe(docker);
    expect(type(form, "text/plain")).toBe(OCI_MANIFEST);
  });
});

describe("an image", () => {
  const index = (...platforms: Array<Partial<Platform> | undefined>): ImageIndex => ({
    kind: "index",
    mediaType: OCI_INDEX,
    manifests: platforms.map((platform, i) => ({
      ...layer,
      digest: digestOf(String(i)),
      ...(platform === undefined ? {} : { platform: { os: "linux", architecture: "amd64", ...platform } }),
    })),
  });
  const chosen = (from: ImageIndex, platform: Partial<Platform>) => {
    const found = chooseManifest(from, { os: "linux", architecture: "amd64", ...platform });
    return found === undefined ? -1 : from.manifests.indexOf(found);
  };

  test("is chosen by its platform", () => {
    const all = index(
      { os: "windows" },
      undefined,
      { os: "unknown", architecture: "unknown" },
      {},
      { architecture: "arm64", variant: "v8" },
    );
    expect(chosen(all, {})).toBe(3);
    expect(chosen(all, { architecture: "arm64" })).toBe(4);
    expect(chosen(all, { architecture: "aarch64" })).toBe(4);
    expect(chosen(all, { os: "windows" })).toBe(0);
    expect(chosen(all, { architecture: "s390x" })).toBe(-1);
    const arms = index(...["v5", "v7", "v6"].map((variant) => ({ architecture: "arm", variant })));
    expect(chosen(arms, { architecture: "arm", variant: "v7" })).toBe(1);
    expect(chosen(arms, { architecture: "arm" })).toBe(1);
    expect(chosen(arms, { architecture: "arm", variant: "v6" })).toBe(2);
    expect(chosen(index({ architecture: "arm", variant: "v5" }), { architecture: "arm", variant: "v7" })).toBe(0);
    expect(chosen(index({ architecture: "arm", variant: "v7" }), { architecture: "arm", variant: "v6" })).toBe(-1);
  });

  test("is read through its index; one without the platform says which there are", async () => {
    await using registry = await fakeRegistry();
    const entry = { mediaType: OCI_MANIFEST, digest: digestOf(image), size: image.length };
    const list = (size: number) => ({
      mediaType: OCI_INDEX,
      content: Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: OCI_INDEX,
          manifests: [{ ...entry, size, platform: { os: "linux", architecture: "riscv64" } }],
        }),
      ),
    });
    registry.manifests.set("v1", list(image.length)).set("lies", list(7));
    registry.manifests.set(digestOf(image), { mediaType: OCI_MANIFEST, content: image });
    const { client } = testClient();
    const platform = { os: "linux", architecture: "riscv64" };
    const reference = parseReference(`${registry.host}/team/site:v1`);
    expect(await client.image(reference, { platform })).toMatchObject({
      digest: digestOf(image),
      indexDigest: digestOf(list(image.length).content),
      parsed: { layers: [layer], config },
    });
    expect(await client.image({ ...reference, digest: digestOf(image) })).not.toHaveProperty("indexDigest");
    await expect(
      client.image(reference, { platform: { os: "linux", architecture: "arm", variant: "v7" } }),
    ).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      reason: "it has no image for linux/arm/v7, only for linux/riscv64",
    });
    await expect(client.image({ ...reference, tag: "lies" }, { platform })).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
    });
  });
});
