import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hashNamed } from "./hash-named.ts";
import { mediaType } from "./media-types.ts";

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
    "_app/immutable/start.js",
    "chunk-6XYZ2AB4.js",
    "0a1b2c3d4e5f60718293.js",
  ])("%s", (path) => {
    expect(hashNamed(path)).toBe("sure");
  });

  test.each(["index-DtlRXZfh.js", "font-OpenSans.woff2", "0a1b2c3d.js", "scan-20241105a.pdf"])(
    "perhaps: %s",
    (path) => {
      expect(hashNamed(path)).toBe("perhaps");
    },
  );

  test.each([
    "index.html",
    "index.3f9a1c2b.html",
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
  ])("no: %s", (path) => {
    expect(hashNamed(path)).toBe("no");
  });

  test("hashes of bundlers are hardly ever missed: what is missed is gone after a switch", () => {
    const missed = (make: () => string): number => {
      let count = 0;
      for (let i = 0; i < 1000; i++) if (hashNamed(make()) === "no") count++;
      return count;
    };
    expect(missed(() => `index-${randomBytes(6).toString("base64url")}.js`)).toBeLessThan(30);
    expect(missed(() => `main.${randomBytes(4).toString("hex")}.js`)).toBeLessThan(60);
    expect(missed(() => `main.${randomBytes(10).toString("hex")}.js`)).toBeLessThan(5);
  });
});

test("media types", () => {
  expect(mediaType("a/index.HTML")).toBe("text/html; charset=utf-8");
  expect(mediaType("x.js")).toBe("text/javascript; charset=utf-8");
  expect(mediaType("x.json")).toBe("application/json");
  expect(mediaType("feed.xml")).toBe("application/xml; charset=utf-8");
  expect(mediaType("x.woff2")).toBe("font/woff2");
  expect(mediaType(".well-known/apple-app-site-association")).toBe("application/json");
  expect(mediaType("constructor")).toBe("application/octet-stream");
  expect(mediaType("a.constructor")).toBe("application/octet-stream");
  expect(mediaType("a.b/file")).toBe("application/octet-stream");
});
