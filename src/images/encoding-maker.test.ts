import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { contentFixture } from "./content-fixture.ts";
import { encoderNamed, encodersFor, isCompressible } from "./encoders.ts";
import { EncodingMaker } from "./encoding-maker.ts";

const html = `<ul>${"<li>some text that repeats</li>".repeat(200)}</ul>`;
const signal = (): AbortSignal => new AbortController().signal;

describe("compressed forms", () => {
  test("are made once, can be located, and decompress to the file", async () => {
    using content = contentFixture();
    const tree = await content.add({ "index.html": html, "copy.html": html, "photo.png": html, "tiny.css": "a{}" });
    const maker = new EncodingMaker(content.files, 1);
    expect(await maker.make(tree, signal())).toMatchObject({ files: 1, forms: 3 });
    const { hash } = tree[0]!;
    const read = async (form: "br" | "gzip" | "zstd") =>
      content.files.packs.read(content.files.locateEncoding(hash, form)!);
    expect(brotliDecompressSync(await read("br")).toString()).toBe(html);
    expect(gunzipSync(await read("gzip")).toString()).toBe(html);
    expect(zstdDecompressSync(await read("zstd")).toString()).toBe(html);
    expect(content.files.locateWithEncodings([hash, tree[3]!.hash])).toEqual([
      {
        file: content.files.locate(hash),
        encodings: Object.fromEntries(
          (["br", "gzip", "zstd"] as const).map((f) => [f, content.files.locateEncoding(hash, f)]),
        ),
      },
      { file: content.files.locate(tree[3]!.hash), encodings: {} },
    ]);
    expect(await maker.make(tree, signal())).toEqual({ files: 0, forms: 0, bytes: 0 });
    content.reopen();
    expect(content.files.locateEncoding(hash, "br")).toBeDefined();
  });

  test("that save less than 5 % are not kept, and not tried again", async () => {
    using content = contentFixture();
    const tree = await content.add({ "random.txt": randomBytes(5000) });
    const maker = new EncodingMaker(content.files, 1);
    expect(await maker.make(tree, signal())).toEqual({ files: 1, forms: 0, bytes: 0 });
    expect(content.packNames()).toHaveLength(1);
    expect(content.files.locateEncoding(tree[0]!.hash, "br")).toBeUndefined();
    expect(await maker.make(tree, signal())).toEqual({ files: 0, forms: 0, bytes: 0 });
  });

  test("of a stronger encoder take the place of weaker ones, and are not made again by those", async () => {
    using content = contentFixture();
    const tree = await content.add({ "index.html": html });
    const { hash } = tree[0]!;
    const weak = ["br5@1", "zstd12@1"].map((encoder) => ({ hash, encoder, place: null }));
    content.files.registerEncodings(null, weak, []);
    const maker = new EncodingMaker(content.files, 1);
    expect(await maker.make(tree, signal())).toMatchObject({ forms: 3 });
    const names = content.files.tables.findEncodings([hash]).map(({ encoder }) => encoder);
    expect(names.sort()).toEqual(["br11@1", "gzip9@1", "zstd19@1"]);
  });

  test("are kept as far as they are when the run is cancelled", async () => {
    using content = contentFixture();
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${i}.html`, `${i} ${html}`]));
    const tree = await content.add(many);
    const controller = new AbortController();
    const commit = content.files.registerEncodings.bind(content.files);
    const maker = new EncodingMaker(content.files, 2);
    const locate = content.files.locateMany.bind(content.files);
    let jobs = 0;
    content.files.locateMany = (hashes) => {
      if (++jobs === 4) controller.abort(new Error("a newer tag came"));
      return locate(hashes);
    };
    content.files.registerEncodings = (...all) => commit(...all);
    await expect(maker.make(tree, controller.signal)).rejects.toThrow("a newer tag came");
    const done = tree.filter(({ hash }) => content.files.locateEncoding(hash, "br") !== undefined).length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(400);
    await expect(maker.make(tree, controller.signal)).rejects.toThrow("a newer tag came");
    expect(await maker.make(tree, signal())).toMatchObject({ files: 400 - done });
  });

  test("of a file that has gone are left out; a pack that has gone is an error", async () => {
    using content = contentFixture();
    const tree = await content.add({ "a.html": html });
    const maker = new EncodingMaker(content.files, 1);
    const gone = { path: "b.html", hash: randomBytes(32), size: 1000 };
    expect(await maker.make([gone], signal())).toMatchObject({ files: 0 });
    rmSync(join(content.files.packFolder, content.packNames()[0]!));
    await expect(maker.make(tree, signal())).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  });
});

test("the larger the site, the faster the encoders", () => {
  const names = (bytes: number): string[] => encodersFor(bytes).map(({ name }) => name);
  expect(names(1000)).toEqual(["br11@1", "zstd19@1", "gzip9@1"]);
  expect(names(20e6)).toEqual(["br9@1", "zstd19@1", "gzip9@1"]);
  expect(names(490e6)).toEqual(["br5@1", "zstd12@1", "gzip9@1"]);
});

test.for(["br11@1", "br9@1", "br5@1", "zstd19@1", "zstd12@1", "gzip9@1"])("%s can be undone", (name) => {
  const { form, encode } = encoderNamed(name);
  const decode = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync }[form];
  const large = Buffer.concat(Array.from({ length: form === "br" ? 2 : 10 }, () => Buffer.alloc(1_000_000, html)));
  expect(decode(encode(large)).equals(large)).toBe(true);
});

test("only types that shrink are tried", () => {
  const tried = ["a.html", "a/B.SVG", "x.min.js", "m.wasm", "feed.xml"];
  const not = ["a.png", "a.woff2", "html", "a.html/x", ".html/x", "video.mp4", "a.html.gz"];
  expect([...tried, ...not].filter((path) => isCompressible(path, 1000))).toEqual(tried);
  expect([255, 256, 64 * 1024 ** 2, 64 * 1024 ** 2 + 1].map((size) => isCompressible("a.html", size))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
