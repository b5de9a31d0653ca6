import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { buildNative } from "../../../scripts/site-server/build-native.ts";
import { writeImage } from "../../../scripts/site-server/oci-image.ts";
import { makeSbom } from "../../../scripts/site-server/sbom.ts";
import { targets } from "../../../scripts/site-server/toolchain.ts";
import { nativeBinary } from "../../../test/support/native-server.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";

/** What the image may weigh to pull, and its program unpacked: each byte over it needs a reason. */
const MOST_PULLED = 64 * 1024;
const MOST_UNPACKED = { amd64: 80 * 1024, arm64: 96 * 1024 };

interface Document {
  manifests: { digest: string; platform?: { architecture: string } }[];
  layers: { digest: string }[];
  config: { digest: string };
}

function readJson(folder: TemporaryFolder, path: string): Document {
  return JSON.parse(readFileSync(folder.file(path), "utf8")) as Document;
}

function blob(digest: string | undefined): string {
  return `blobs/${(digest ?? "").replace(":", "/")}`;
}

test("a build anywhere gives the same bytes", { timeout: 120_000 }, async (context) => {
  const first = readFileSync(await nativeBinary(context));
  await using folder = temporaryFolder("another-place-with-a-longer-name");
  const [second] = await buildNative(folder.file("build"), targets.slice(0, 1));
  expect(second?.content.equals(first)).toBe(true);
});

test(
  "the image: both machines in one index, small, the same bytes each time",
  { timeout: 120_000 },
  async (context) => {
    const binaries = [
      { architecture: "amd64" as const, content: readFileSync(await nativeBinary(context, "amd64")) },
      { architecture: "arm64" as const, content: readFileSync(await nativeBinary(context, "arm64")) },
    ];
    await using folder = temporaryFolder("oci");
    await using again = temporaryFolder("oci");
    const sizes = writeImage(folder.path, binaries, "1.2.3");
    writeImage(again.path, binaries, "1.2.3");
    for (const path of readdirSync(folder.file("blobs/sha256"))) {
      const content = readFileSync(folder.file("blobs/sha256", path));
      expect(createHash("sha256").update(content).digest("hex")).toBe(path);
    }
    expect(readFileSync(again.file("index.json"))).toEqual(readFileSync(folder.file("index.json")));
    const index = readJson(folder, blob(readJson(folder, "index.json").manifests[0]?.digest));
    expect(index.manifests.map(({ platform }) => platform?.architecture)).toEqual(["amd64", "arm64"]);
    const manifest = readJson(folder, blob(index.manifests[0]?.digest));
    const layer = gunzipSync(readFileSync(folder.file(blob(manifest.layers[0]?.digest))));
    expect(layer.includes(binaries[0]?.content ?? "")).toBe(true);
    expect(readFileSync(folder.file(blob(manifest.config.digest)), "utf8")).toContain('"User":"65534:65534"');
    for (const { architecture, pulled, unpacked } of sizes) {
      expect(pulled).toBeLessThan(MOST_PULLED);
      expect(unpacked).toBeLessThan(MOST_UNPACKED[architecture]);
    }
    const sbom = JSON.parse(makeSbom(binaries, [], "1.2.3")) as { spdxVersion: string; files: object[] };
    expect(sbom).toMatchObject({ spdxVersion: "SPDX-2.3" });
    expect(sbom.files.length).toBe(2);
  },
);
