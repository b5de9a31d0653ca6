import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
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
  test("is an archive of the size that was told, which skopeo inspects and copies", async (context) => {
    const skopeo = peer(context, "skopeo");
    await using folder = temporaryFolder("export");
    const { size, content: bytes } = await exportImage(content.images, digest, { name: "v1" });
    await writeFile(folder.file("image.tar"), bytes());
    expect(statSync(folder.file("image.tar")).size).toBe(size);
    const archive = `oci-archive:${folder.file("image.tar")}:v1`;
    const inspected: unknown = JSON.parse(await run(skopeo, "inspect", archive));
    expect(inspected).toMatchObject({ Digest: digest, Os: "linux", Architecture: "amd64" });
    await run(skopeo, "copy", "--preserve-digests", archive, `oci:${folder.file("copy")}:v1`);
    const index: unknown = JSON.parse(readFileSync(folder.file("copy", "index.json"), "utf8"));
    expect(index).toMatchObject({ manifests: [{ digest }] });
  });

  test("unpacks with umoci to the files that it was made of", async (context) => {
    const umoci = peer(context, "umoci");
    await using folder = temporaryFolder("export");
    mkdirSync(folder.file("layout"));
    await writeFile(
      folder.file("image.tar"),
      (await exportImage(content.images, digest, { name: "latest" })).content(),
    );
    await run("tar", "--extract", "--file", folder.file("image.tar"), "--directory", folder.file("layout"));
    await run(umoci, "unpack", "--rootless", "--image", `${folder.file("layout")}:latest`, folder.file("bundle"));
    const unpacked = filesBelow(folder.file("bundle", "rootfs", "www"));
    expect(Object.keys(unpacked).sort()).toEqual(Object.keys(files).sort());
    for (const [path, bytes] of Object.entries(files)) expect(unpacked[path]?.equals(bytes)).toBe(true);
  });

  test("ends in an error where its content is damaged", async () => {
    using damaged = contentFixture();
    const tree = await damaged.add({ a: "content" });
    const image = await damaged.images.createImage(tree);
    const location = damaged.files.locate(tree[0]!.hash)!;
    const path = join(damaged.files.packFolder, location.pack);
    const bytes = readFileSync(path);
    bytes[location.offset]! ^= 1;
    writeFileSync(path, bytes);
    const archive = await exportImage(damaged.images, image.digest, { name: "latest" });
    await expect(drain(archive.content())).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  });

  test("keeps garbage collection waiting while a layer is read, and no longer", async () => {
    const archive = (await exportImage(content.images, digest, { name: "latest" })).content();
    for (let pieces = 0; pieces < 5; pieces++) await archive.next();
    let free = false;
    const waiting = content.files.holds.whenFree(() => (free = true));
    expect(free).toBe(false);
    await archive.return();
    await waiting;
    expect(free).toBe(true);
  });
});

async function drain(pieces: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}
