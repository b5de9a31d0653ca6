import { randomBytes } from "node:crypto";
import { cpSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Header, pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { contentFixture, type ContentFixture } from "../images/content-fixture.ts";
import { exportImage } from "../images/export-image.ts";
import { incomingImage, plainLayer } from "../images/incoming-fixture.ts";
import { readOciLayout } from "../images/incoming/read-oci-layout.ts";
import { collectGarbage, type ImageInfo, type IncomingImage, STATIC_BASE } from "../images/index.ts";
import { collect } from "../images/registry/fakes.ts";
import { silentLogger } from "../shared/log.ts";
import { runCommand } from "../shared/run-command.ts";
import { peer } from "../../test/support/peers.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { takeImage, type TakeOptions } from "./take-image.ts";

const signal = new AbortController().signal;
const MARKED = { Entrypoint: [STATIC_BASE.entrypoint], Labels: { [STATIC_BASE.label]: "/www" }, WorkingDir: "/www" };
const base = plainLayer({ "steppe-static": randomBytes(5000), "www/.keep": "" });
const site = plainLayer({ "www/index.html": "<h1>", "www/css/site.css": "body{}", "www/.hidden": "no" });

function take(
  content: ContentFixture,
  incoming: IncomingImage,
  options: Partial<TakeOptions> = {},
): Promise<ImageInfo> {
  const { images } = content;
  return takeImage(incoming, {
    images,
    site: null,
    label: "blog@v1",
    progress: () => {},
    signal,
    ...options,
  });
}

async function filesOf(content: ContentFixture, digest: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { path, hash } of await content.images.readTree(digest))
    files[path] = (await content.files.read(hash)).toString();
  return files;
}

type Thing = Partial<Header> & { name: string; content?: string };

async function layerOf(things: readonly Thing[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of things) tar.entry(header, content ?? "");
  tar.finalize();
  return Buffer.concat(await collect(tar as AsyncIterable<Buffer>));
}

describe("an image that is taken", () => {
  test("is a site by the mark of steppe/static: without hidden files, from all of its layers", async () => {
    using content = contentFixture();
    const said: string[] = [];
    const info = await take(content, incomingImage([base, site], MARKED), { progress: (line) => said.push(line) });
    expect(info).toMatchObject({ kind: "site", files: 2, bytes: 10 });
    expect(await filesOf(content, info.digest)).toEqual({ "css/site.css": "body{}", "index.html": "<h1>" });
    expect((await content.images.open(info.digest)).layers).toHaveLength(2);
    expect(said).toEqual([expect.stringMatching(/^taking 2 of 2 layers, 0\.0 MB$/), "2 files"]);
  });

  test("is a site by what the app declares, whatever it would run", async () => {
    using content = contentFixture();
    const nginx = incomingImage([plainLayer({ "usr/share/html/index.html": "<h1>" })], { Cmd: ["nginx"] });
    const info = await take(content, nginx, { site: "/usr/share/html" });
    expect(await filesOf(content, info.digest)).toEqual({ "index.html": "<h1>" });
  });

  test.each([
    ["with another entrypoint", { ...MARKED, Entrypoint: ["/run"] }],
    ["with options", { ...MARKED, Cmd: ["-root-dir", "/other"] }],
    ["without the mark", { ...MARKED, Labels: {} }],
  ])("%s is a program: kept, and not served", async (_, config) => {
    using content = contentFixture();
    const info = await take(content, incomingImage([base, site], config));
    expect(info).toMatchObject({ kind: "program", files: 0 });
    await expect(content.images.readTree(info.digest)).rejects.toMatchObject({ code: "DRIVER_MISSING" });
  });

  test("is a site if it is one of ours, and comes back from an export", async () => {
    using content = contentFixture();
    using other = contentFixture();
    await using folder = temporaryFolder("take");
    const { digest } = await content.images.createImage(await content.add({ "index.html": "<h1>", "a/b": "b" }));
    await writeFile(folder.file("image.tar"), (await exportImage(content.images, digest, { name: "v1" })).content());
    await using incoming = await readOciLayout(folder.file("image.tar"));
    expect(await take(other, incoming)).toMatchObject({ digest, kind: "site", files: 2 });
    expect(await filesOf(other, digest)).toEqual(await filesOf(content, digest));
    expect(await take(content, incoming)).toMatchObject({ digest, kind: "data" });
  });

  test("that is here asks for nothing; a layer that is here is not asked for", async () => {
    using content = contentFixture();
    const first = incomingImage([base, site], MARKED);
    await take(content, first);
    const again = incomingImage([base, site], MARKED);
    await take(content, again);
    expect(again.asked).toBe(0);
    const next = incomingImage([base, site, plainLayer({ "www/new.html": "new" })], MARKED);
    const said: string[] = [];
    const info = await take(content, next, { progress: (line) => said.push(line) });
    expect(next.asked).toBe(1);
    expect(said).toEqual([expect.stringContaining("taking 1 of 3 layers"), "3 files"]);
    expect(Object.keys(await filesOf(content, info.digest))).toEqual(["css/site.css", "index.html", "new.html"]);
  });

  test("has links as a repository has: within the site as what they lead to, absolute ones too, and none out of it", async () => {
    using content = contentFixture();
    const links = await layerOf([
      { name: "www/a.html", content: "a" },
      { name: "www/soft.html", type: "symlink", linkname: "/www/a.html" },
      { name: "www/d/up.html", type: "symlink", linkname: "../a.html" },
      { name: "www/hard.html", type: "link", linkname: "www/a.html" },
    ]);
    const info = await take(content, incomingImage([base, links], MARKED));
    const names = ["a.html", "d/up.html", "hard.html", "soft.html"];
    expect(await filesOf(content, info.digest)).toEqual(Object.fromEntries(names.map((name) => [name, "a"])));
    const out = await layerOf([{ name: "www/passwd", type: "symlink", linkname: "/etc/passwd" }]);
    await expect(take(content, incomingImage([base, out], MARKED))).rejects.toMatchObject({ code: "LINK_OUTSIDE" });
    const pipe = await layerOf([{ name: "www/pipe", type: "fifo" }]);
    await expect(take(content, incomingImage([base, pipe], MARKED))).rejects.toMatchObject({
      code: "FILE_UNSUPPORTED",
    });
  });

  test.each<[string, Parameters<typeof incomingImage>, Partial<TakeOptions>, string]>([
    ["without the folder", [[base], { Cmd: ["x"] }], { site: "/public" }, "FOLDER_MISSING"],
    ["with an empty site", [[base], MARKED], {}, "SITE_EMPTY"],
    ["whose layer leads out", [[plainLayer({ "../../etc/cron.d/x": "boom" })], MARKED], {}, "IMAGE_INVALID"],
  ])("%s is refused, and not kept", async (_, [layers, config], options, code) => {
    using content = contentFixture();
    await expect(take(content, incomingImage(layers, config), options)).rejects.toMatchObject({ code });
    expect(content.files.tables.images()).toEqual([]);
    const collect = { keepImages: () => new Set<string>(), beforeRemoval: async () => {}, log: silentLogger };
    expect((await collectGarbage(content.images, collect)).bytes).toBeGreaterThan(0);
    expect(content.images.taken.blobs.list()).toEqual([]);
  });

  test("that umoci repacked is what was in the folder that it packed", async (context) => {
    using content = contentFixture();
    await using folder = temporaryFolder("take");
    const umoci = async (...args: string[]): Promise<void> => {
      const env = { PATH: process.env["PATH"] ?? "", HOME: folder.path };
      const { code, stderr } = await runCommand({ file: peer(context, "umoci"), args, env });
      expect(code, stderr).toBe(0);
    };
    const { digest } = await take(content, incomingImage([base, site], MARKED));
    const [layout, bundle] = [folder.file("layout"), folder.file("bundle")];
    cpSync(content.images.taken.blobs.folder, layout, { recursive: true });
    await umoci("unpack", "--rootless", "--image", `${layout}:${digest.slice(7)}`, bundle);
    const www = join(bundle, "rootfs/www");
    rmSync(join(www, "css"), { recursive: true });
    rmSync(join(www, "index.html"));
    mkdirSync(join(www, "index.html"));
    writeFileSync(join(www, "index.html/ä.html"), "a folder now");
    linkSync(join(www, "index.html/ä.html"), join(www, "hard.html"));
    symlinkSync("hard.html", join(www, "soft.html"));
    await umoci("repack", "--image", `${layout}:changed`, bundle);
    await using incoming = await readOciLayout(layout, { name: "changed" });
    const info = await take(content, incoming);
    expect(incoming.layers).toHaveLength(3);
    const names = ["hard.html", "index.html/ä.html", "soft.html"];
    expect(await filesOf(content, info.digest)).toEqual(
      Object.fromEntries(names.map((name) => [name, "a folder now"])),
    );
  });

  test("is kept by a collection that goes on meanwhile", async () => {
    using content = contentFixture();
    const hold = content.files.hold();
    const options = { keepImages: () => new Set<string>(), beforeRemoval: async () => {}, log: silentLogger };
    const collecting = collectGarbage(content.images, options);
    const info = await take(content, incomingImage([base, site], MARKED));
    hold[Symbol.dispose]();
    await collecting;
    expect(Object.keys(await filesOf(content, info.digest))).toHaveLength(2);
    expect((await content.images.open(info.digest)).layers).toHaveLength(2);
  });
});
