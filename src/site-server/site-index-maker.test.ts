import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SiteIndexMaker, type FormPlace, type SiteFileEntry, type SiteOptions } from "./site-index-maker.ts";
import { type ReadSite, readSiteIndex } from "./test-support/read-site-index.ts";

const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();
const place: FormPlace = { pack: "1.pack", offset: 5, size: 7 };

function entry(path: string, more: Partial<SiteFileEntry> = {}): SiteFileEntry {
  return { path, hash: hashOf(path), identity: place, ...more };
}

function make(
  files: readonly (string | SiteFileEntry)[],
  options: SiteOptions = {},
): ReadSite & { problems: string[] } {
  using maker = new SiteIndexMaker(options);
  for (const file of files) maker.add(typeof file === "string" ? entry(file) : file);
  const { index, problems } = maker.finish(1_790_000_000);
  return { ...readSiteIndex(index), problems: [...problems] };
}

const form = fc.record({
  pack: fc.constantFrom("1.pack", "2.pack", "a-b_3.pack"),
  offset: fc.maxSafeNat(),
  size: fc.maxSafeNat(),
});
const maybe = fc.option(form, { nil: undefined });
const name = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((text) => !/[/\0]|^\./.test(text));
const paths = fc.uniqueArray(
  fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
  { maxLength: 60 },
);

describe("a site index", () => {
  test("every file comes back as it was put in", () => {
    fc.assert(
      fc.property(paths, form, maybe, maybe, maybe, (all, identity, br, zstd, gzip) => {
        const served = all.filter((path) => !["_headers", "_redirects"].includes(path));
        const site = make(served.map((path) => entry(path, { identity, br, zstd, gzip, modifiedAt: 7 })));
        const given = { identity, br, zstd, gzip };
        for (const [i, path] of served.entries()) {
          const file = site.files[i];
          expect(file).toMatchObject({ path, modified: 7, tag: hashOf(path).subarray(0, 16).toString("base64url") });
          for (const key of ["identity", "br", "zstd", "gzip"] as const) {
            const wanted = given[key];
            const read = wanted && { source: wanted.pack, offset: wanted.offset, bytes: wanted.size };
            expect(file?.forms[key]).toEqual(read);
          }
          expect(site.urls.get(path)).toMatchObject({ kind: "file", file: path });
        }
        expect(site.files).toHaveLength(served.length);
        expect(site.modified).toBe(1_790_000_000);
      }),
      { numRuns: 50 },
    );
  });

  test("bodies at the files' own paths, and tags that come later", () => {
    using maker = new SiteIndexMaker({ tagged: false });
    maker.add({ path: "a", identity: { size: 3 }, gzip: { size: 2 } });
    const { files } = readSiteIndex(maker.finish(0).index);
    const own = { source: undefined, offset: 0 };
    expect(files).toMatchObject([
      { tag: undefined, forms: { identity: { ...own, bytes: 3 }, gzip: { ...own, bytes: 2 } } },
    ]);
  });

  test("a path that comes twice is refused; a finished maker too; a hash must be there", () => {
    using maker = new SiteIndexMaker();
    maker.add(entry("a"));
    expect(() => maker.add(entry("a"))).toThrow("a comes twice");
    expect(() => maker.add({ path: "b", identity: place })).toThrow("without its hash");
    maker.finish(0);
    expect(() => maker.add(entry("c"))).toThrow("finished");
  });

  test("no files at all", () => {
    const site = make([]);
    expect(site.urls.size).toBe(0);
    expect(site.plainHead).toContain("Cache-Control: no-cache");
  });
});

describe("URLs", () => {
  const urlsOf = (files: string[], options?: SiteOptions): Record<string, string> =>
    Object.fromEntries(
      [...make(files, options).urls].map(([url, { kind, file }]) => [url, kind === "folder" ? `-> ${file}` : file]),
    );

  test("index files answer for their folders", () => {
    expect(urlsOf(["index.html", "docs/index.html", "docs/a.html", "x/notindex.html"])).toEqual({
      "index.html": "index.html",
      "": "index.html",
      "docs/index.html": "docs/index.html",
      "docs/": "docs/index.html",
      docs: "-> docs/index.html",
      "docs/a.html": "docs/a.html",
      "x/notindex.html": "x/notindex.html",
    });
  });

  test("another index file, and none", () => {
    expect(urlsOf(["docs/index.html", "docs/home.htm"], { indexFile: "home.htm" })).toMatchObject({
      "docs/": "docs/home.htm",
      docs: "-> docs/home.htm",
    });
    expect(urlsOf(["docs/index.html"], { indexFile: "" })).toEqual({ "docs/index.html": "docs/index.html" });
  });

  test("a file of a folder's name wins", () => {
    expect(urlsOf(["docs", "docs/index.html"])).toMatchObject({ docs: "docs", "docs/": "docs/index.html" });
  });

  test("clean URLs: a file or a folder with an index wins, a folder without one does not", () => {
    const files = [
      "about.html",
      "blog.html",
      "blog/post.html",
      "docs.html",
      "docs/index.html",
      "x.html",
      "x",
      "a.HTML",
    ];
    const urls = urlsOf(files, { cleanUrls: true });
    expect(urls).toMatchObject({ about: "about.html", blog: "blog.html", "blog/post": "blog/post.html" });
    expect(urls).toMatchObject({ docs: "-> docs/index.html", x: "x" });
    expect(Object.keys(urls)).not.toContain("docs/index");
    expect(Object.keys(urls)).not.toContain("a");
    expect(Object.keys(urlsOf(files))).not.toContain("about");
  });

  test("what is not for visitors has none", () => {
    const hidden = [".git/config", "a/.env", ".htaccess", ".well-known/.x", ".well-known", "x/.well-known/a"];
    const never = ["_headers", "_redirects", "", "a//b", "/a", "a/", "a/../b", "a/./b", "..", "a\0b", "x".repeat(8192)];
    const shown = [
      ".well-known/security.txt",
      "docs/steppe.yaml",
      "a/_headers",
      "a.b/c",
      "_redirects.html",
      "_HEADERS",
    ];
    const site = make([...hidden, ...never, ...shown]);
    expect([...site.urls.keys()]).toEqual(shown);
    const all = make([...hidden, ...never, ...shown], { serveHidden: true });
    expect([...all.urls.keys()]).toEqual([...hidden, ...shown]);
  });

  test("pages for what does not exist, and for other statuses", () => {
    const options = { fallback: "app.html", errorPages: { 403: "403.html", 500: "500.html" } };
    const site = make(["404.html", "app.html", "403.html"], options);
    expect(site).toMatchObject({ notFound: "404.html", fallback: "app.html", errors: { 403: "403.html" } });
    expect(site.errors).not.toHaveProperty("500");
    expect(site.problems).toEqual(["error pages: no file of the site: 500.html"]);
    expect(make(["a"], { notFoundPage: "missing.html" })).toMatchObject({ notFound: undefined, fallback: undefined });
  });
});

describe("heads", () => {
  test("of a page, and of what shrinks and what does not", () => {
    const { urls, plainHead } = make(["index.html", "docs/index.html", "a.png", "a.json", "a.bin"]);
    const page =
      "Cache-Control: no-cache\nVary: Accept-Encoding\n\nContent-Type: text/html; charset=utf-8\nX-Content-Type-Options: nosniff\n";
    expect(urls.get("")?.head).toBe(page);
    expect(urls.get("index.html")?.head).toBe(page);
    expect(urls.get("docs")?.head).toBe(plainHead);
    expect(plainHead).toBe(page.replace("Vary: Accept-Encoding\n", ""));
    expect(urls.get("a.png")?.head).not.toContain("Vary");
    expect(urls.get("a.json")?.head).toContain("Vary: Accept-Encoding");
    expect(urls.get("a.bin")?.head).toContain("application/octet-stream");
    const { head } = make([entry("a.bin", { zstd: place })]).urls.get("a.bin") ?? {};
    expect(head).toContain("Vary: Accept-Encoding");
  });

  test("names that carry a hash are immutable, but not where they answer for another path", () => {
    const { urls, files } = make(["app.3f9a1c2b.js"]);
    expect(urls.get("app.3f9a1c2b.js")).toMatchObject({ kept: true });
    expect(urls.get("app.3f9a1c2b.js")?.head).toContain("Cache-Control: public, max-age=31536000, immutable\n");
    expect(files[0]?.head).toContain("Cache-Control: no-cache\n");
  });

  test("Cache-Control can be set; a value that would end the line cannot", () => {
    const options = { cacheControl: "max-age=60", cacheControlImmutable: "max-age=9" };
    const { urls } = make(["index.html", "app.3f9a1c2b.js"], options);
    expect(urls.get("")?.head).toContain("Cache-Control: max-age=60\n");
    expect(urls.get("app.3f9a1c2b.js")?.head).toContain("Cache-Control: max-age=9\n");
    const bad = make(["index.html"], { cacheControl: "a\r\nSet-Cookie: x" });
    expect(bad.urls.get("")?.head).toContain("Cache-Control: no-cache\n");
    expect(bad.problems).toEqual(["options: no value for Cache-Control: a??Set-Cookie: x"]);
  });

  test("are shared", () => {
    const { heads } = make(Array.from({ length: 500 }, (_, i) => `${i}/index.html`));
    expect(heads).toHaveLength(2);
  });
});

test("30,000 files take less than 220 bytes each, and are found", () => {
  using maker = new SiteIndexMaker();
  for (let i = 0; i < 30_000; i++) {
    maker.add(
      entry(`std/collections/hash_map/struct.Entry${i}.html`, {
        identity: { pack: "1.pack", offset: i * 4096, size: 4096 },
        br: place,
        gzip: place,
        zstd: place,
      }),
    );
  }
  const { index } = maker.finish(0);
  expect(index.length / 30_000).toBeLessThan(220);
  const site = readSiteIndex(index);
  expect(site.urls.size).toBe(30_000);
  expect(site.files[29_999]?.forms.identity?.offset).toBe(29_999 * 4096);
});
