import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { App, Release } from "../deployer/index.ts";
import { contentFixture } from "../images/content-fixture.ts";
import { json, MEDIA_TYPES, sha256Digest } from "../images/index.ts";
import { fakeRegistry } from "../images/registry/fakes.ts";
import { systemClock } from "../shared/clock.ts";
import { Images } from "./images.ts";

const { signal } = new AbortController();

test("what a release on a cluster has is looked at in its registry, and whoever wants it is led there", async () => {
  using content = contentFixture();
  await using registry = await fakeRegistry();
  const config = json({
    os: "linux",
    architecture: "amd64",
    config: { Cmd: ["/server"] },
    rootfs: { type: "layers", diff_ids: [] },
  });
  registry.blobs.set(sha256Digest(config), config);
  const descriptor = { mediaType: MEDIA_TYPES.config, digest: sha256Digest(config), size: config.length };
  const manifest = json({ schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config: descriptor, layers: [] });
  const digest = sha256Digest(manifest);
  registry.manifests.set(digest, { content: manifest, mediaType: MEDIA_TYPES.manifest });

  const repository = `${registry.host}/team/blog`;
  const definition = testDefinition("blog", { image: { repository, site: null } });
  const open = (isCluster: boolean) =>
    new Images({
      images: content.images,
      tables: content.files.tables,
      deployer: {
        apps: () => [{ definition } as App],
        releases: () => [{ app: "blog", number: 1, image: digest, definition } as Release],
      },
      registries: { env: {}, insecure: new Set(), clock: systemClock },
      isCluster,
    });

  expect(await open(true).inspect(digest, signal)).toMatchObject({
    digest,
    reference: `${repository}@${digest}`,
    kept: null,
    served: { by: "cluster" },
  });
  const there = { code: "IMAGE_NOT_FOUND", hint: expect.stringContaining(`docker://${repository}@${digest}`) };
  await expect(open(true).export(digest, { name: "blog" })).rejects.toMatchObject(there);
  await expect(open(true).push(digest, `${repository}:v2`, { signal, progress() {} })).rejects.toMatchObject(there);
  await expect(open(false).inspect(digest, signal)).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  expect((await open(false).inspect(`${repository}@${digest}`, signal)).served.by).toBeNull();
});
