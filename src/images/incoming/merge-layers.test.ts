import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { peer } from "../../../test/support/peers.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { runCommand } from "../../shared/run-command.ts";
import { incomingImage } from "../incoming-fixture.ts";
import { json, layoutIndex, OCI_LAYOUT, sha256Digest } from "../oci-manifest.ts";
import { collect } from "../registry/fakes.ts";
import { type KeptLayer, mergeLayers, readPlaces } from "./merge-layers.ts";

type Thing = Partial<Header> & { name: string; content?: string };

const options = { subject: "an image", signal: new AbortController().signal };
const file = (name: string, content = name): Thing => ({ name, content });
const folder = (name: string): Thing => ({ name, type: "directory" });
const symlink = (name: string, linkname: string): Thing => ({ name, type: "symlink", linkname });
const hardlink = (name: string, linkname: string): Thing => ({ name, type: "link", linkname });

async function archive(things: readonly Thing[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of things) tar.entry(header, content ?? "");
  tar.finalize();
  return Buffer.concat(await collect(tar as AsyncIterable<Buffer>));
}

function keptLayer(tar: Buffer, blob = tar): KeptLayer {
  return {
    diffId: sha256Digest(tar),
    async *content() {
      for (let at = 0; at < blob.length; at += 500) yield blob.subarray(at, at + 500);
    },
  };
}

/** Each path below the folder with its content, or `-> TARGET` of a link; undefined if there is no such folder. */
async function merged(stack: ReadonlyArray<readonly Thing[]>, path = "/"): Promise<Record<string, string> | undefined> {
  const layers = (await Promise.all(stack.map(archive))).map((tar) => keptLayer(tar));
  const entries = (await mergeLayers(layers, options)).list(path);
  if (entries === undefined) return undefined;
  const contents = new Map<unknown, string>();
  const places = new Set(entries.flatMap((entry) => (entry.kind === "file" ? entry.place : [])));
  for await (const { place, content } of readPlaces(layers, places, options)) {
    contents.set(place, Buffer.concat(await collect(content)).toString());
  }
  return Object.fromEntries(
    entries.map((entry) => [
      entry.path.toString(),
      entry.kind === "file"
        ? (contents.get(entry.place) ?? "not read")
        : entry.kind === "link"
          ? `-> ${entry.target.toString()}`
          : "other",
    ]),
  );
}

describe("layers one upon the other", () => {
  test("replace, hide and keep what is below them", async () => {
    const below = [file("a"), file("d/x"), file("d/y"), file("e/deep/z"), file("f"), folder("g"), file("g/1")];
    expect(
      await merged([below, [file("a", "new"), file("d/.wh.x", ""), file("e/.wh..wh..opq", ""), file("e/n")]]),
    ).toEqual({ a: "new", "d/y": "d/y", "e/n": "e/n", f: "f", "g/1": "g/1" });
    expect(await merged([below, [file(".wh.d", ""), file("f/inside")]]).catch((error: unknown) => error)).toMatchObject(
      {
        code: "IMAGE_INVALID",
      },
    );
    expect(await merged([below, [folder("f"), file("f/inside"), file("g", "a file now"), file(".wh.e", "")]])).toEqual({
      a: "a",
      "d/x": "d/x",
      "d/y": "d/y",
      "f/inside": "f/inside",
      g: "a file now",
    });
  });

  test("do not hide what they bring themselves, in whatever order", async () => {
    const below = [file("d/old")];
    const expected = { "d/new": "d/new" };
    expect(await merged([below, [file("d/new"), file("d/.wh..wh..opq", "")]])).toEqual(expected);
    expect(await merged([below, [file("d/.wh..wh..opq", ""), file("d/new")]])).toEqual(expected);
    expect(await merged([below, [file("d/new"), file(".wh.d", "")]])).toEqual(expected);
  });

  test("have hard links, also to lower layers, that stay when their other name goes", async () => {
    expect(
      await merged([[file("a", "content")], [hardlink("b", "a"), file(".wh.a", "")], [file("a", "another")]]),
    ).toEqual({
      a: "another",
      b: "content",
    });
    await expect(merged([[hardlink("b", "missing")]])).rejects.toThrow("which is not there");
  });

  test("are read below a folder, to which links may lead, and within which absolute links are relative", async () => {
    const stack = [
      [symlink("www", "srv/site"), file("srv/site/a", "a"), symlink("srv/site/d/l", "/www/a")],
      [file("www/b", "b")],
    ];
    expect(await merged(stack, "/www")).toEqual({ a: "a", b: "b", "d/l": "-> .././a" });
    expect(await merged([[symlink("www/l", "/etc/passwd"), file("etc/passwd")]], "/www/")).toEqual({
      l: "-> /etc/passwd",
    });
    expect(await merged([[file("a")]], "/www")).toBeUndefined();
    expect(await merged([[file("www")]], "/www")).toBeUndefined();
    expect(await merged([[symlink("www", "www")]], "/www")).toBeUndefined();
    expect(await merged([[symlink("www", "../../../x"), file("x/a", "a")]], "/www/../www")).toEqual({ a: "a" });
  });

  test.each([["../a"], ["a/../../b"], ["/../a"]])("with the path %s are refused", async (name) => {
    await expect(merged([[file(name)]])).rejects.toThrow("leads out of it");
  });

  test("with a path that is too long, or folders that are too deep, are refused", async () => {
    await expect(merged([[file("a/".repeat(3000))]])).rejects.toThrow("a path of");
    await expect(merged([[symlink("l", "x".repeat(5000))]])).rejects.toThrow("a path of");
    const deep = "d/".repeat(600);
    await expect(merged([[folder(deep), symlink("l", deep), folder(`l/${deep}`)]])).rejects.toThrow(
      "within each other",
    );
  });

  test("of any compression are read; one that is another than its config says is refused", async () => {
    const tar = await archive([file("a")]);
    const magic = (bytes: number[]): Buffer => Buffer.concat([Buffer.from(bytes), Buffer.alloc(600)]);
    const skipped = Buffer.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2);
    const blobs = [tar, gzipSync(tar), zstdCompressSync(tar), Buffer.concat([skipped, zstdCompressSync(tar)])];
    for (const blob of blobs) {
      expect((await mergeLayers([keptLayer(tar, blob)], options)).list("/")).toHaveLength(1);
    }
    for (const blob of [
      magic([0x1f, 0x8b, 8]),
      magic([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
      gzipSync(tar).subarray(0, 60),
    ]) {
      await expect(mergeLayers([keptLayer(tar, blob)], options)).rejects.toMatchObject({ code: "IMAGE_INVALID" });
    }
    const other = { ...keptLayer(tar), diffId: sha256Digest(Buffer.from("other")) };
    await expect(mergeLayers([other], options)).rejects.toThrow("as the config says");
    const aborted = { ...options, signal: AbortSignal.abort(new Error("cancelled")) };
    await expect(mergeLayers([keptLayer(tar)], aborted)).rejects.toThrow("cancelled");
  });

  test("whatever they are, make what umoci unpacks", { timeout: 120_000 }, async (context) => {
    const umoci = peer(context, "umoci");
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
    const target = fc.oneof(path, fc.constantFrom("..", "../a", "/a", "/b/c", "../../a"));
    const thing = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(path, fc.nat(99)).map(([at, n]) => file(at, `content ${n}`)) },
      { weight: 2, arbitrary: path.map(folder) },
      { weight: 1, arbitrary: fc.tuple(path, target).map(([at, to]) => symlink(at, to)) },
      { weight: 1, arbitrary: fc.tuple(path, path).map(([at, to]) => hardlink(at, to)) },
      { weight: 2, arbitrary: path.map((at) => file(at.replace(/[^/]*$/, ".wh.$&"), "")) },
      { weight: 1, arbitrary: path.map((at) => file(`${at}/.wh..wh..opq`, "")) },
    );
    const stacks = fc.array(fc.array(thing, { maxLength: 6 }), { minLength: 1, maxLength: 4 });
    let unpacked = 0;
    await fc.assert(
      fc.asyncProperty(stacks, async (stack) => {
        const ours = await merged(stack).catch(() => undefined);
        const theirs = await unpackedBy(umoci, await Promise.all(stack.map(archive)));
        // It refuses a little more: whiteouts below links that lead to themselves.
        if (theirs === undefined) return;
        unpacked++;
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 60 },
    );
    expect(unpacked).toBeGreaterThan(10);
  });
});

/** What umoci makes of the layers; undefined if it refuses. */
async function unpackedBy(umoci: string, layers: readonly Buffer[]): Promise<Record<string, string> | undefined> {
  await using place = temporaryFolder("umoci");
  const image = incomingImage(layers);
  const blobs = place.file("layout/blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const contents = await Promise.all(image.layers.map(async (layer) => Buffer.concat(await collect(layer.content()))));
  for (const bytes of [image.manifest, image.config, ...contents])
    writeFileSync(join(blobs, sha256Digest(bytes).slice(7)), bytes);
  writeFileSync(place.file("layout/oci-layout"), json(OCI_LAYOUT));
  const descriptor = { mediaType: image.mediaType, digest: sha256Digest(image.manifest), size: image.manifest.length };
  writeFileSync(place.file("layout/index.json"), json(layoutIndex([{ descriptor, name: "v1" }])));
  const args = ["unpack", "--rootless", "--image", `${place.file("layout")}:v1`, place.file("bundle")];
  const { code } = await runCommand({ file: umoci, args, env: { PATH: process.env["PATH"] ?? "", HOME: place.path } });
  if (code !== 0) return undefined;
  const root = place.file("bundle/rootfs");
  const found: Record<string, string> = {};
  // Not `recursive`: that would follow links.
  const walk = (path: string): void => {
    for (const name of readdirSync(path)) {
      const below = join(path, name);
      const stat = lstatSync(below);
      if (stat.isSymbolicLink())
        found[relative(root, below)] = `-> ${withinRoot(relative(root, below), readlinkSync(below))}`;
      else if (stat.isFile()) found[relative(root, below)] = readFileSync(below, "utf8");
      else walk(below);
    }
  };
  walk(root);
  rmSync(root, { recursive: true });
  return found;
}

/** An absolute link as a relative one. */
function withinRoot(path: string, target: string): string {
  return target.startsWith("/") ? `${"../".repeat(path.split("/").length - 1)}.${target}` : target;
}
