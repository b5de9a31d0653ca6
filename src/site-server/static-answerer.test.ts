import { describe, expect, test } from "vitest";
import type { FileAnswer, SiteFile, SiteLookup, SiteView } from "./file-answerer.ts";
import { StaticAnswerer } from "./static-answerer.ts";

const NOW = Date.UTC(2026, 10, 24);
const MODIFIED = NOW / 1000 - 60;

function file(tag: string, size: number, more: Partial<SiteFile> = {}): SiteFile {
  const range = (bytes: number) => ({ pack: "p", offset: 100, size: bytes });
  const forms = { identity: range(size), br: range(size >> 2), zstd: undefined, gzip: range(size >> 1) };
  return { mediaType: "text/html; charset=utf-8", tag, immutable: false, keptInGrace: false, ...forms, ...more };
}

function lookup(files: Record<string, SiteFile>, modifiedAt = MODIFIED): SiteLookup {
  return { find: (path) => files[Buffer.from(path).toString()], notFoundPage: files["404.html"], modifiedAt };
}

const plainOnly = { br: undefined, gzip: undefined };
const files = {
  "index.html": file("home", 1000),
  "docs/index.html": file("docs", 80, plainOnly),
  "app.3f9a1c2b.js": file("app", 400, {
    immutable: true,
    keptInGrace: true,
    mediaType: "text/javascript; charset=utf-8",
  }),
  "empty.txt": file("empty", 0, plainOnly),
};
const old = lookup(
  { "old.3f9a1c2b.js": file("old", 5, { keptInGrace: true }), "old.html": file("oldhtml", 5) },
  MODIFIED - 10,
);
const view = (extra: Record<string, SiteFile> = {}): SiteView => ({
  current: lookup({ ...files, ...extra }),
  others: () => [old],
});

const answerer = new StaticAnswerer();
function get(target: string, headers: Record<string, string> = {}, method = "GET", site = view()): FileAnswer {
  return answerer.answer({ method, target, headers, now: NOW }, site);
}
const size = ({ body }: FileAnswer): number => (body.kind === "pack" ? body.range.size : 0);

describe("static answerer", () => {
  test("a page: revalidated each time, its type said, nothing to sniff", () => {
    const answer = get("/");
    expect(answer).toEqual({
      status: 200,
      headers: {
        ETag: '"home"',
        "Cache-Control": "no-cache",
        Vary: "Accept-Encoding",
        "Last-Modified": new Date(MODIFIED * 1000).toUTCString(),
        "Content-Type": "text/html; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Content-Length": 1000,
      },
      body: { kind: "pack", range: { pack: "p", offset: 100, size: 1000 } },
    });
    expect(get("/index.html").headers).toEqual(answer.headers);
    expect(get("/?utm=1#x").headers).toEqual(answer.headers);
  });

  test("a file with a hash in its name is kept for a year", () => {
    expect(get("/app.3f9a1c2b.js").headers["Cache-Control"]).toBe("public, max-age=31536000, immutable");
  });

  test("HEAD says what GET would, without a body", () => {
    const answer = get("/", { range: "bytes=0-1" }, "HEAD");
    expect(answer.headers).toEqual(get("/").headers);
    expect(answer).toMatchObject({ status: 200, body: { kind: "none" } });
    expect(get("/nothing", {}, "HEAD")).toMatchObject({ status: 404, body: { kind: "none" } });
  });

  test("an empty file has no body to read", () => {
    expect(get("/empty.txt")).toMatchObject({ status: 200, headers: { "Content-Length": 0 }, body: { kind: "none" } });
    expect(get("/empty.txt", { range: "bytes=0-" }).status).toBe(416);
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])("%s is not allowed", (method) => {
    expect(get("/", {}, method)).toMatchObject({ status: 405, headers: { Allow: "GET, HEAD" } });
  });

  test("forms have entity tags of their own", () => {
    const answer = get("/", { "accept-encoding": "gzip, br" });
    expect(answer.headers).toMatchObject({ ETag: '"home-br"', "Content-Encoding": "br", "Content-Length": 250 });
    expect(get("/docs/", { "accept-encoding": "br" }).headers["Content-Encoding"]).toBeUndefined();
  });

  test("If-None-Match decides, by weak comparison, and before If-Modified-Since", () => {
    const date = new Date(MODIFIED * 1000).toUTCString();
    const status = (headers: Record<string, string>): number => get("/", headers).status;
    for (const tag of ['"home"', 'W/"home"', '"x", "home"', "*", '"a,b" , "home"'])
      expect(status({ "if-none-match": tag })).toBe(304);
    for (const tag of ['"x"', '"home-br"', "home", ""]) expect(status({ "if-none-match": tag })).toBe(200);
    expect(status({ "if-none-match": '"home-br"', "accept-encoding": "br" })).toBe(304);
    expect(status({ "if-none-match": '"x"', "if-modified-since": date })).toBe(200);
    expect(status({ "if-modified-since": date })).toBe(304);
    expect(status({ "if-modified-since": new Date(NOW).toUTCString() })).toBe(200);
    expect(get("/", { "if-none-match": '"home"' })).toEqual({
      status: 304,
      headers: { ETag: '"home"', "Cache-Control": "no-cache", Vary: "Accept-Encoding", "Last-Modified": date },
      body: { kind: "none" },
    });
  });

  test("no date that is still to come", () => {
    const site: SiteView = { current: lookup(files, NOW / 1000 + 5), others: () => [] };
    expect(get("/", {}, "GET", site).headers["Last-Modified"]).toBeUndefined();
  });

  test("ranges, of the form that is sent", () => {
    const part = get("/", { range: "bytes=10-19" });
    expect(part).toMatchObject({ status: 206, headers: { "Content-Range": "bytes 10-19/1000", "Content-Length": 10 } });
    expect(part.body).toEqual({ kind: "pack", range: { pack: "p", offset: 110, size: 10 } });
    expect(get("/", { range: "bytes=-5", "accept-encoding": "br" }).headers["Content-Range"]).toBe("bytes 245-249/250");
    expect(get("/", { range: "bytes=1000-" })).toMatchObject({
      status: 416,
      headers: { "Content-Range": "bytes */1000" },
    });
    expect(get("/", { range: "bytes=0-1,5-6" }).status).toBe(200);
    expect(get("/", { range: "bytes=0-1", "if-range": '"home"' }).status).toBe(206);
    expect(get("/", { range: "bytes=0-1", "if-range": 'W/"home"' }).status).toBe(200);
    expect(get("/", { range: "bytes=0-1", "if-range": '"other"' }).status).toBe(200);
    expect(get("/", { range: "bytes=0-1", "if-range": new Date(MODIFIED * 1000).toUTCString() }).status).toBe(206);
    expect(get("/", { range: "bytes=0-1", "if-none-match": '"home"' }).status).toBe(304);
  });

  test("a folder without its slash is redirected, with its query", () => {
    expect(get("/docs?a=b%20c")).toMatchObject({
      status: 301,
      headers: { Location: "/docs/?a=b%20c" },
      body: { kind: "none" },
    });
    expect(size(get("/docs/"))).toBe(80);
    expect(get("/index.html/").status).toBe(404);
    expect(get("//docs").status).toBe(404);
    expect(get("/docs//").status).toBe(404);
  });

  test("paths that do not exist: the site's page, or our own", () => {
    expect(get("/nothing")).toMatchObject({ status: 404, body: { kind: "bytes" } });
    const site = view({ "404.html": file("lost", 40) });
    const answer = get(
      "/nothing",
      { "if-none-match": '"lost"', range: "bytes=0-1", "accept-encoding": "gzip" },
      "GET",
      site,
    );
    expect(answer).toMatchObject({ status: 404, headers: { "Content-Encoding": "gzip", "Content-Length": 20 } });
    expect(answer.headers["ETag"]).toBeUndefined();
  });

  test("of other releases only what has a hash in its name", () => {
    expect(get("/old.3f9a1c2b.js").status).toBe(200);
    expect(get("/old.html").status).toBe(404);
  });

  test.each(["/%2e%2e/x", "/a%2Fb", "/%00", "x"])("%s is refused", (target) => {
    expect(get(target).status).toBe(400);
  });
});
