import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SiteIndexMaker } from "./site-index-maker.ts";
import { type ReadUrl, readSiteIndex } from "./test-support/read-site-index.ts";

/** What the builder makes of names. */
function urlsOf(paths: readonly string[]): Map<string, ReadUrl> {
  using maker = new SiteIndexMaker({ tagged: false, indexFile: "", serveHidden: true });
  for (const path of new Set(paths)) maker.add({ path, identity: { size: 1 } });
  return readSiteIndex(maker.finish(0).index).urls;
}

function hashNamed(url: ReadUrl | undefined): string {
  const isImmutable = url?.head.includes("immutable");
  if (isImmutable === true) return url?.kept === true ? "sure" : "immutable but not kept";
  return url?.kept === true ? "perhaps" : "no";
}

const judge = (path: string): string => hashNamed(urlsOf([path]).get(path));

describe("names that carry a hash", () => {
  test.each([
    "app.3f9a1c2b.js",
    "assets/index-B7xYz_9a.css",
    "static/js/main.0a1b2c3d.chunk.js",
    "main.3f9a1c2b.js.map",
    "static.files/rustdoc-93e5c6a1b20f.css",
    "css/main.min.2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881.css",
    "logo-1f2e3d4c5b6a79880a1b2c3d4e5f6071.png",
    "_next/static/abc/_buildManifest.js",
    "a/_next/static/x",
    "_app/immutable/start.js",
    "chunk-6XYZ2AB4.js",
    "0a1b2c3d4e5f60718293.js",
    "bücher-3f9a1c2b.js",
  ])("%s", (path) => {
    expect(judge(path)).toBe("sure");
  });

  test.each(["index-DtlRXZfh.js", "font-OpenSans.woff2", "0a1b2c3d.js", "scan-20241105a.pdf"])(
    "perhaps: %s",
    (path) => {
      expect(judge(path)).toBe("perhaps");
    },
  );

  test.each([
    "index.html",
    "index.3f9a1c2b.html",
    "_app/immutable/page.XHTML",
    "page-B7xYz_9a.htm",
    "style.css",
    "jquery-3.7.1.min.js",
    "report-20241105.pdf",
    "my-document.pdf",
    "README-Japanese.txt",
    "photo-12345678.jpg",
    "CNAME",
    "3f9a1c2b",
    "app.defaced.js",
    "javascript.js",
    "bootstrap.min.css",
    "1699999999999.json",
    "x_next/static/a.js",
    "üüüü.js",
    "a.",
    ".js",
  ])("no: %s", (path) => {
    expect(judge(path)).toBe("no");
  });

  test("hashes of bundlers are hardly ever missed: what is missed is gone after a switch", () => {
    const missed = (make: () => string): number => {
      const names = Array.from({ length: 1000 }, make);
      const urls = urlsOf(names);
      return names.filter((name) => hashNamed(urls.get(name)) === "no").length;
    };
    expect(missed(() => `index-${randomBytes(6).toString("base64url")}.js`)).toBeLessThan(30);
    expect(missed(() => `main.${randomBytes(4).toString("hex")}.js`)).toBeLessThan(60);
    expect(missed(() => `main.${randomBytes(10).toString("hex")}.js`)).toBeLessThan(5);
  });
});

test.each([
  ["a/index.HTML", "text/html; charset=utf-8"],
  ["x.js", "text/javascript; charset=utf-8"],
  ["x.json", "application/json"],
  ["feed.xml", "application/xml; charset=utf-8"],
  ["x.svg", "image/svg+xml; charset=utf-8"],
  ["x.yml", "application/yaml; charset=utf-8"],
  ["x.toml", "application/toml; charset=utf-8"],
  ["x.woff2", "font/woff2"],
  ["x.webmanifest", "application/manifest+json"],
  ["x.gltf", "model/gltf+json"],
  [".well-known/apple-app-site-association", "application/json"],
  ["LICENSE", "text/plain; charset=utf-8"],
  ["constructor", "application/octet-stream"],
  ["a.constructor", "application/octet-stream"],
  ["a.b/file", "application/octet-stream"],
  [".html", "application/octet-stream"],
  ["a.", "application/octet-stream"],
])("the media type of %s", (path, type) => {
  expect(urlsOf([path]).get(path)?.head).toContain(`\nContent-Type: ${type}\n`);
});
