import { randomBytes } from "node:crypto";
import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { PassThrough } from "node:stream";
import { beforeAll, describe, expect, test } from "vitest";
import { peer } from "../../test/support/peers.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { runCommand } from "../shared/run-command.ts";
import { type ContentFixture, contentFixture } from "./content-fixture.ts";
import { exportImage } from "./export-image.ts";

const files: Record<string, Buffer> = {
  "index.html": Buffer.from("<h1>Hello</h1>"),
  "Ünïcödé/日本語 🦊.html": Buffer.from("<p>"),
  [`${"folder/".repeat(40)}deep.html`]: Buffer.from("deep"),
  "large.bin": randomBytes(3_000_000),
  empty: Buffer.alloc(0),
  ...Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`d${i % 50}/f${i}.txt`, Buffer.from(`content ${i}`)])),
};

let content: ContentFixture;
let digest: string;

beforeAll(async () => {
  content = contentFixture();
  digest = (await content.images.createImage(await content.add(files))).digest;
  return () => content[Symbol.dispose]();
});

async function run(file: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" };
  const { code, stdout, stderr } = await runCommand({ file, args, env });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.toString();
}

function filesBelow(folder: string): Record<string, Buffer> {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    found
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), readFileSync(path)]),
  );
}

describe("an exported image", () => {
  test("is what skopeo inspects and copies", async (context) => {
    const skopeo = peer(context, "skopeo");
    await using folder = temporaryFolder("export");
    await exportImage(content.images, digest, { folder: folder.file("layout") }, { name: "v1" });
    const inspected: unknown = JSON.parse(await run(skopeo, "inspect", `oci:${folder.file("layout")}:v1`));
    expect(inspected).toMatchObject({ Digest: digest, Os: "linux", Architecture: "amd64" });
    await run(skopeo, "copy", "--preserve-digests", `oci:${folder.file("layout")}:v1`, `oci:${folder.file("copy")}:v1`);
    const index: unknown = JSON.parse(readFileSync(folder.file("copy", "index.json"), "utf8"));
    expect(index).toMatchObject({ manifests: [{ digest }] });
  });

  test("unpacks with umoci to the files that it was made of", async (context) => {
    const umoci = peer(context, "umoci");
    await using folder = temporaryFolder("export");
    await exportImage(content.images, digest, { folder: folder.file("layout") });
    await run(umoci, "unpack", "--rootless", "--image", `${folder.file("layout")}:latest`, folder.file("bundle"));
    const unpacked = filesBelow(folder.file("bundle", "rootfs", "www"));
    expect(Object.keys(unpacked).sort()).toEqual(Object.keys(files).sort());
    for (const [path, bytes] of Object.entries(files)) expect(unpacked[path]?.equals(bytes)).toBe(true);
  });

  test("is an archive that skopeo reads", async (context) => {
    const skopeo = peer(context, "skopeo");
    await using folder = temporaryFolder("export");
    await exportImage(content.images, digest, { archive: createWriteStream(folder.file("image.tar")) });
    const inspected: unknown = JSON.parse(await run(skopeo, "inspect", `oci-archive:${folder.file("image.tar")}`));
    expect(inspected).toMatchObject({ Digest: digest });
  });

  test("does not go into a folder that holds something", async () => {
    await using folder = temporaryFolder("export");
    writeFileSync(folder.file("precious"), "");
    await expect(exportImage(content.images, digest, { folder: folder.path })).rejects.toMatchObject({ code: "USAGE" });
    expect(readdirSync(folder.path)).toEqual(["precious"]);
  });

  test("leaves nothing behind when its content is damaged", async () => {
    await using folder = temporaryFolder("export");
    using damaged = contentFixture();
    const tree = await damaged.add({ a: "content" });
    const image = await damaged.images.createImage(tree);
    const location = damaged.files.locate(tree[0]!.hash)!;
    const path = join(damaged.files.packFolder, location.pack);
    const bytes = readFileSync(path);
    bytes[location.offset]! ^= 1;
    writeFileSync(path, bytes);
    mkdirSync(folder.file("layout"));
    const target = { folder: folder.file("layout") };
    await expect(exportImage(damaged.images, image.digest, target)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
    expect(readdirSync(target.folder)).toEqual([]);
    const archive = new PassThrough().resume();
    await expect(exportImage(damaged.images, image.digest, { archive })).rejects.toMatchObject({
      code: "CONTENT_CORRUPT",
    });
    expect(archive.destroyed).toBe(true);
  });

  test("stops when its reader goes away", async () => {
    const archive = new PassThrough();
    archive.once("data", () => archive.destroy(new Error("the reader went away")));
    await expect(exportImage(content.images, digest, { archive })).rejects.toThrow("the reader went away");
  });
});
