import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { contentFixture } from "../content-fixture.ts";
import { fakeRegistry, testClient } from "../registry/fakes.ts";
import { layoutBase, openBase } from "./base-image.ts";
import { writeBase } from "./base-fixture.ts";
import { LayerCache } from "./layer-cache.ts";
import { pushSite } from "./push-site.ts";

const { signal } = new AbortController();

test("a site of the file store becomes an image that runs; without a tag it is there by its digest", async () => {
  using folder = temporaryFolder("push-site");
  using content = contentFixture();
  await using registry = await fakeRegistry();
  using client = testClient().client;
  writeBase(folder.file("base"), ["amd64", "arm64"]);
  const tree = await content.add({ "index.html": "<p>words</p>".repeat(300), "large.bin": Buffer.alloc(700_000, 7) });
  const cache = new LayerCache(folder.file("layers.json"));
  const push = (args: readonly string[]) =>
    pushSite({
      base: openBase(layoutBase(folder.file("base")), null),
      facts: Promise.resolve({ labels: {}, createdAt: null, args }),
      reference: { registry: registry.host, repository: "team/blog" },
      client,
      files: content.files,
      tree,
      cache,
      signal,
    });

  const plain = await push([]);
  const pushed = await push(["-clean-urls"]);
  expect(pushed.digest).not.toBe(plain.digest);
  expect(pushed.platforms.map(({ architecture }) => architecture)).toEqual(["amd64", "arm64"]);
  expect(pushed).toMatchObject({ files: 2, layers: { made: 0 }, pushed: { blobs: { uploaded: 2 } } });

  const read = (digest: string) =>
    JSON.parse((registry.manifests.get(digest)?.content ?? registry.blobs.get(digest) ?? "null").toString()) as {
      manifests: Array<{ digest: string }>;
      config: { digest: string; Cmd?: string[]; Entrypoint: string[] };
      layers: unknown[];
    };
  expect([...registry.manifests.keys()].filter((name) => !name.startsWith("sha256:"))).toEqual([]);
  const [amd64] = read(pushed.digest).manifests;
  const manifest = read(amd64?.digest ?? "");
  // The base, two layers of files, and one of compressed forms: what does not shrink has none.
  expect(manifest.layers).toHaveLength(4);
  expect(read(manifest.config.digest).config).toMatchObject({ Entrypoint: ["/steppe-static"], Cmd: ["-clean-urls"] });
});
