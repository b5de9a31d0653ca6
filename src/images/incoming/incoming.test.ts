import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { copyBusybox } from "../../../test/support/busybox-root.ts";
import { startDocker } from "../../../test/support/docker-daemon.ts";
import { startDockerRegistry } from "../../../test/support/docker-registry.ts";
import { peer, type PeerName } from "../../../test/support/peers.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { systemClock } from "../../shared/clock.ts";
import { runCommand } from "../../shared/run-command.ts";
import { type ContentFixture, contentFixture } from "../content-fixture.ts";
import { exportImage } from "../export-image.ts";
import { type IncomingFixture, incomingImage, plainLayer } from "../incoming-fixture.ts";
import { sha256Digest } from "../oci-manifest.ts";
import { collect } from "../registry/fakes.ts";
import { parseReference } from "../registry/reference.ts";
import { RegistryClient } from "../registry/registry-client.ts";
import type { ImageInfo, IncomingImage } from "../types.ts";
import { pullImage } from "./pull-image.ts";
import { readDockerArchive } from "./read-docker-archive.ts";
import { readOciLayout } from "./read-oci-layout.ts";

const signal = new AbortController().signal;
const quiet = { signal, progress: () => {} };
const lower = plainLayer({ "bin/run": randomBytes(300_000), "www/index.html": "<h1>one" });
const upper = plainLayer({ "www/index.html": "<h1>two", "www/page.html": "page ".repeat(5000) });

let content: ContentFixture;
let folder: TemporaryFolder;
let original: IncomingFixture;
let archive: string;

async function keep(incoming: IncomingImage): Promise<ImageInfo> {
  await content.images.taken.receive(incoming, quiet);
  return content.images.keep(incoming, null);
}

async function run(context: TestContext, name: PeerName, ...args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder.path };
  const { code, stdout, stderr } = await runCommand({ file: peer(context, name), args, env });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.toString();
}

const skopeo = (context: TestContext, ...args: string[]): Promise<string> =>
  run(context, "skopeo", "--insecure-policy", "copy", ...args);

/** What the layers of an image hold, decompressed, as digests. */
async function diffIds({ layers }: IncomingImage): Promise<string[]> {
  const blobs = await Promise.all(layers.map(async (layer) => Buffer.concat(await collect(layer.content()))));
  return blobs.map((blob) => sha256Digest(gunzipSync(blob)));
}

beforeAll(async () => {
  content = contentFixture();
  folder = temporaryFolder("incoming");
  original = incomingImage([lower, upper]);
  const { digest } = await keep(original);
  archive = folder.file("image.tar");
  await writeFile(archive, (await exportImage(content.images, digest, { name: "v1" })).content());
});
afterAll(() => {
  content[Symbol.dispose]();
  folder[Symbol.dispose]();
});

describe("an OCI layout", () => {
  test("that we exported is read again, the same", async () => {
    await using incoming = await readOciLayout(archive);
    expect(incoming.manifest).toEqual(original.manifest);
    expect(await diffIds(incoming)).toEqual([lower, upper].map(sha256Digest));
  });

  test("that skopeo wrote is read, a folder and an archive; and skopeo reads ours", async (context) => {
    const name = sha256Digest(original.manifest).slice(7);
    const kept = `oci:${content.images.taken.blobs.folder}:${name}`;
    for (const target of ["oci", "oci-archive"]) {
      const path = folder.file(`skopeo-${target}`);
      await skopeo(context, kept, `${target}:${path}:v2`);
      await using incoming = await readOciLayout(path, { name: "v2" });
      expect(await keep(incoming)).toMatchObject({ digest: sha256Digest(original.manifest) });
      await expect(readOciLayout(path, { name: "v3" })).rejects.toThrow("it has no `v3`, only `v2`");
    }
  });

  test("that umoci changed is read", async (context) => {
    const layout = folder.file("umoci");
    await skopeo(context, `oci-archive:${archive}:v1`, `oci:${layout}:v1`);
    const inserted = folder.file("inserted.txt");
    writeFileSync(inserted, "by umoci");
    await run(
      context,
      "umoci",
      "insert",
      "--rootless",
      "--image",
      `${layout}:v1`,
      "--tag",
      "v2",
      inserted,
      "/www/umoci.txt",
    );
    await expect(readOciLayout(layout)).rejects.toThrow("it holds several: `v1`, `v2`");
    await using incoming = await readOciLayout(layout, { name: "v2" });
    expect(incoming.layers).toHaveLength(3);
    await keep(incoming);
    await run(context, "umoci", "init", "--layout", folder.file("empty"));
    await expect(readOciLayout(folder.file("empty"))).rejects.toThrow("it holds no image");
    await run(context, "umoci", "new", "--image", `${folder.file("empty")}:none`);
    await using empty = await readOciLayout(folder.file("empty"));
    expect(await keep(empty)).toMatchObject({ kind: "program", files: 0 });
  });

  test("of several platforms gives the one that is asked for", async () => {
    const layout = folder.file("platforms");
    const images = ["amd64", "arm64"].map((architecture) => ({
      architecture,
      image: incomingImage([lower], { Labels: { architecture } }),
    }));
    mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
    const add = (bytes: Buffer): { digest: string; size: number } => {
      writeFileSync(join(layout, "blobs/sha256", sha256Digest(bytes).slice(7)), bytes);
      return { digest: sha256Digest(bytes), size: bytes.length };
    };
    const manifests = images.map(({ architecture, image }) => {
      add(image.config);
      return { ...add(image.manifest), mediaType: image.mediaType, platform: { os: "linux", architecture } };
    });
    const unknown = { ...manifests[0], platform: { os: "unknown", architecture: "unknown" } };
    const inner = add(Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [unknown, ...manifests] })));
    const mediaType = "application/vnd.oci.image.index.v1+json";
    writeFileSync(
      join(layout, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...inner, mediaType }] }),
    );
    for (const { architecture, image } of images) {
      await using incoming = await readOciLayout(layout, { platform: { os: "linux", architecture } });
      expect(incoming.manifest).toEqual(image.manifest);
    }
    const other = { platform: { os: "linux", architecture: "riscv64" } };
    await expect(readOciLayout(layout, other)).rejects.toThrow("only for linux/amd64, linux/arm64");
  });

  test.each([
    ["is cut short", (file: string) => truncateSync(file, 200_000)],
    ["is no archive", (file: string) => writeFileSync(file, randomBytes(5000))],
    ["is empty", (file: string) => writeFileSync(file, "")],
  ])("that %s is refused", async (_, damage) => {
    const file = folder.file("damaged.tar");
    cpSync(archive, file);
    damage(file);
    const reading = async (): Promise<void> => {
      await using incoming = await readOciLayout(file);
      await keep(incoming);
    };
    await expect(reading()).rejects.toMatchObject({ code: "IMAGE_INVALID" });
  });

  test("of which a blob was changed is refused", async (context) => {
    const layout = folder.file("changed");
    await skopeo(context, `oci-archive:${archive}:v1`, `oci:${layout}:v1`);
    for (const hex of readdirSync(join(layout, "blobs/sha256"))) {
      const path = join(layout, "blobs/sha256", hex);
      const bytes = readFileSync(path);
      writeFileSync(path, Buffer.concat([bytes, Buffer.from(" ")]));
      using fresh = contentFixture();
      const reading = async (): Promise<void> => {
        await using incoming = await readOciLayout(layout);
        await fresh.images.taken.receive(incoming, quiet);
      };
      await expect(reading()).rejects.toMatchObject({ code: "IMAGE_INVALID" });
      writeFileSync(path, bytes);
    }
    rmSync(join(layout, "index.json"));
    await expect(readOciLayout(layout)).rejects.toThrow("it has no file `index.json`");
  });
});

describe("an archive of docker save", () => {
  const read = (file: string) => readDockerArchive(file, { layers: content.images.taken, signal });

  test("that skopeo wrote is read: the same image whenever it is, whose layers are compressed once", async (context) => {
    const file = folder.file("docker-archive.tar");
    await skopeo(context, `oci-archive:${archive}:v1`, `docker-archive:${file}:site:v1`);
    let digest = "";
    {
      await using incoming = await read(file);
      expect(await diffIds(incoming)).toEqual([lower, upper].map(sha256Digest));
      digest = (await keep(incoming)).digest;
    }
    await using again = await read(file);
    expect(await keep(again)).toMatchObject({ digest });
    expect(
      readdirSync(folder.path)
        .filter((name) => name.startsWith("layers-"))
        .flatMap((name) => readdirSync(folder.file(name))),
    ).toEqual([]);
    // Should what was remembered be gone by then, it is made again.
    expect(await diffIds(again)).toEqual([lower, upper].map(sha256Digest));
  });

  test("that Docker wrote is read; Docker loads and runs what we export", { timeout: 60_000 }, async (context) => {
    await using docker = await startDocker(context);
    const build = folder.file("build");
    await copyBusybox(context, join(build, "root"));
    const lines = [
      "FROM scratch",
      "COPY root /",
      'RUN ["/busybox", "touch", "/a"]',
      'RUN ["/busybox", "rm", "/a"]',
      'CMD ["/busybox", "echo", "hello"]',
    ];
    writeFileSync(join(build, "Dockerfile"), lines.join("\n"));
    await docker.docker("build", "--quiet", "--network", "none", "--tag", "hello:v1", build);
    const file = folder.file("saved.tar");
    await docker.docker("save", "--output", file, "hello:v1");
    await using incoming = await read(file);
    const { digest } = await keep(incoming);
    const exported = folder.file("exported.tar");
    const write = async (image: string, repoTag: string): Promise<void> =>
      writeFile(exported, (await exportImage(content.images, image, { name: "v1", repoTag })).content());
    await write(digest, "hello:v2");
    await docker.docker("rmi", "--force", "hello:v1");
    await docker.docker("load", "--input", exported);
    expect(await docker.docker("run", "--rm", "--network", "none", "hello:v2")).toBe("hello");

    const data = await content.images.createImage(await content.add({ "index.html": "<h1>data" }));
    await write(data.digest, "data:1");
    await docker.docker("load", "--input", exported);
    const container = await docker.docker("create", "--network", "none", "data:1", "nothing");
    await docker.docker("cp", `${container}:/www/index.html`, folder.file("copied.html"));
    expect(readFileSync(folder.file("copied.html"), "utf8")).toBe("<h1>data");
  });

  test("that is an OCI layout as well, as newer ones write it, with layers that are not compressed, is read", async () => {
    const file = folder.file("docker-25.tar");
    const files = newerArchive([lower, upper]);
    await writeArchive(file, files);
    await using incoming = await read(file);
    expect(await diffIds(incoming)).toEqual([lower, upper].map(sha256Digest));
    await keep(incoming);
  });

  test("of several images, of none, or with a layer that is another is refused", async () => {
    const file = folder.file("wrong.tar");
    const layer = plainLayer({ a: randomBytes(1000) });
    const files = newerArchive([layer]);
    const manifest = JSON.parse(files["manifest.json"]!.toString()) as unknown[];
    await writeArchive(file, { ...files, "manifest.json": Buffer.from(JSON.stringify([...manifest, ...manifest])) });
    await expect(read(file)).rejects.toThrow("it holds 2 images; save one");
    await writeArchive(file, { ...files, "manifest.json": Buffer.from("[]") });
    await expect(read(file)).rejects.toThrow("names no image");
    await writeArchive(file, { ...files, [`blobs/sha256/${sha256Digest(layer).slice(7)}`]: upper });
    await expect(read(file)).rejects.toThrow("as its config says");
    await writeArchive(file, { "manifest.json": Buffer.from('[{"Config":"../../etc/passwd","Layers":[]}]') });
    await expect(read(file)).rejects.toThrow("it has no file");
  });
});

/** The form of Docker 25 and newer, of its own store of layers. */
function newerArchive(layers: readonly Buffer[]): Record<string, Buffer> {
  const image = incomingImage(layers);
  const path = (bytes: Buffer): string => `blobs/sha256/${sha256Digest(bytes).slice(7)}`;
  const describe = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: sha256Digest(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: describe("application/vnd.oci.image.config.v1+json", image.config),
      layers: layers.map((layer) => describe("application/vnd.oci.image.layer.v1.tar", layer)),
    }),
  );
  const index = { schemaVersion: 2, manifests: [describe(image.mediaType, manifest)] };
  return {
    "oci-layout": Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
    "index.json": Buffer.from(JSON.stringify(index)),
    [path(manifest)]: manifest,
    [path(image.config)]: image.config,
    ...Object.fromEntries(layers.map((layer) => [path(layer), layer])),
    "manifest.json": Buffer.from(JSON.stringify([{ Config: path(image.config), Layers: layers.map(path) }])),
  };
}

async function writeArchive(file: string, files: Record<string, Buffer>): Promise<void> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, bytes);
  archive.finalize();
  await writeFile(file, archive as AsyncIterable<Buffer>);
}

test("what buildah wrote is read, as a layout and as an archive of docker save, and buildah takes ours", async (context) => {
  if (process.getuid?.() !== 0) context.skip("needs root, for buildah without user namespaces");
  const storage = [
    "--root",
    folder.file("buildah"),
    "--runroot",
    folder.file("buildah-run"),
    "--storage-driver",
    "vfs",
  ];
  const buildah = async (...args: string[]): Promise<string> =>
    (await run(context, "buildah", ...storage, ...args)).trim();
  const policy = ["--signature-policy", folder.file("policy.json")];
  writeFileSync(folder.file("policy.json"), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const ours = await buildah("pull", "--quiet", ...policy, `oci-archive:${archive}:v1`);
  const container = await buildah("from", ...policy, ours);
  writeFileSync(folder.file("buildah.html"), "by buildah");
  await buildah("copy", "--quiet", container, folder.file("buildah.html"), "/www/buildah.html");
  const id = await buildah("commit", "--quiet", ...policy, container);
  await buildah("push", "--quiet", ...policy, id, `oci:${folder.file("by-buildah")}:v1`);
  await buildah("push", "--quiet", ...policy, id, `docker-archive:${folder.file("by-buildah.tar")}:site:v1`);
  await using layout = await readOciLayout(folder.file("by-buildah"));
  await using saved = await readDockerArchive(folder.file("by-buildah.tar"), { layers: content.images.taken, signal });
  for (const incoming of [layout, saved]) {
    expect((await diffIds(incoming)).slice(0, 2)).toEqual([lower, upper].map(sha256Digest));
    expect(incoming.layers).toHaveLength(3);
    await keep(incoming);
  }
});

describe("a registry", () => {
  test("gives what skopeo brought, in both forms of manifests, and skopeo copies what we push", async (context) => {
    await using registry = await startDockerRegistry(context);
    using client = new RegistryClient({ clock: systemClock });
    for (const format of ["oci", "v2s2"]) {
      const reference = parseReference(`${registry.host}/site:${format}`);
      const target = ["--dest-tls-verify=false", "--format", format];
      await skopeo(context, ...target, `oci-archive:${archive}:v1`, `docker://${registry.host}/site:${format}`);
      const incoming = await pullImage(client, reference, { signal });
      const { digest } = await keep(incoming);
      expect((await client.resolve(reference)).digest).toBe(digest);
      const copy = parseReference(`${registry.host}/copy:${format}`);
      expect((await client.push(copy, await content.images.open(digest))).digest).toBe(digest);
      await skopeo(
        context,
        "--src-tls-verify=false",
        `docker://${registry.host}/copy:${format}`,
        `oci:${folder.file("copy")}:${format}`,
      );
    }
    const missing = { platform: { os: "linux", architecture: "riscv64" } };
    await expect(pullImage(client, parseReference(`${registry.host}/none:v1`), missing)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
  });
});
