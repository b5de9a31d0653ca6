import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as layout from "./core/layout.ts";
import { SiteIndexMaker, type SiteOptions } from "./site-index-maker.ts";
import { AnswerCore, type AnswerRecord } from "./test-support/answer-core.ts";
import { MemoryHost } from "./test-support/memory-host.ts";
import { fieldOf, readWireAnswer, vectorSite, type WireAnswer } from "./test-support/vectors.ts";
import { type DescribedSite, tagOf, writeSite } from "./test-support/write-site.ts";

const core = await AnswerCore.create();
const { exports } = core;
const site = vectorSite();
const handle = core.load(writeSite(site).index);

const request = (target: string, method = "GET"): string => `${method} ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

function respond(text: string, { at = handle, flags = 0 }: { at?: number; flags?: number } = {}): AnswerRecord {
  expect(core.parse(text)).toBe(text.length);
  exports.respond(at, flags);
  return core.readAnswer();
}

function wire(described: DescribedSite, text: string): WireAnswer {
  return readWireAnswer(new MemoryHost(core, writeSite(described)).exchange(text), text.startsWith("HEAD"));
}

/** A site of empty files with rules. */
function made(paths: readonly string[], options: SiteOptions): number {
  using maker = new SiteIndexMaker(options);
  for (const path of paths) {
    maker.add({ path, hash: Buffer.alloc(32, path), identity: { pack: "p", offset: 0, size: path.length } });
  }
  return core.load(maker.finish(0).index);
}

describe("answers", () => {
  test("a single-page site: the fallback answers what is missing and names no file", () => {
    const app: DescribedSite = { ...site, fallback: "index.html" };
    expect(wire(app, request("/users/7"))).toMatchObject({ status: 200 });
    expect(fieldOf(wire(app, request("/users/7")), "ETag")).toBe(`"${tagOf("index.html")}"`);
    expect(wire(app, request("/users/7.png")).status).toBe(404);
    expect(wire(app, request("/v1.2/users")).status).toBe(200);
    expect(wire(app, request("/v1.2/")).status).toBe(200);
    expect(wire(app, request("//users")).status).toBe(404);
    expect(wire(app, request("/users//7")).status).toBe(404);
    expect(wire(app, request("/%2e%2e/")).status).toBe(400);
  });

  test("pages of the site's own for other statuses", () => {
    const own: DescribedSite = { ...site, errors: { 405: "docs/page.html", 400: "index.html" } };
    const answer = wire(own, request("/", "PUT"));
    expect(answer.status).toBe(405);
    expect(fieldOf(answer, "Allow")).toBe("GET, HEAD");
    expect(answer.body.toString()).toContain("<title>page</title>");
    expect(wire(own, request("/..")).body.toString()).toContain("<title>home</title>");
  });

  test("no page at all: a built-in one", () => {
    const bare = { ...site, files: site.files.filter(({ path }) => path !== "404.html") };
    const answer = wire(bare, request("/nothing"));
    expect(answer.status).toBe(404);
    expect(fieldOf(answer, "Cache-Control")).toBe("no-cache");
    expect(answer.body.toString()).toBe(
      '<!doctype html><html lang="en"><meta charset="utf-8"><title>404 Not Found</title>' +
        "<h1>404 Not Found</h1><p>There is no page at this address.</p></html>\n",
    );
    expect(wire(bare, request("/nothing", "HEAD")).body).toHaveLength(0);
  });

  test("no date that is still to come, and none that is not known", () => {
    const now = Date.UTC(2026, 10, 24, 12) / 1000;
    expect(fieldOf(wire({ ...site, modified: now }, request("/")), "Last-Modified")).toBe(
      new Date(now * 1000).toUTCString(),
    );
    expect(fieldOf(wire({ ...site, modified: now + 1 }, request("/")), "Last-Modified")).toBeUndefined();
    expect(fieldOf(wire({ ...site, modified: 0 }, request("/")), "Last-Modified")).toBeUndefined();
  });

  test("a file without a tag: the host is asked for it", () => {
    const at = core.load(writeSite({ ...site, tagged: false }).index);
    const asked = respond(request("/style.css").replace("\r\n\r\n", "\r\nAccept-Encoding: br\r\n\r\n"), { at });
    expect(asked).toMatchObject({ flags: layout.ANSWER_NEEDS_TAG, path: "style.css", head: "", bytes: 760 });
    const tag = exports.input();
    core.memory.write("0123456789abcdefghijkl", tag, "latin1");
    exports.setTag(asked.file, tag);
    const answer = respond(request("/style.css"), { at });
    expect(answer).toMatchObject({ status: 200, flags: 0, formRecord: asked.formRecord });
    expect(answer.head).toContain('ETag: "0123456789abcdefghijkl"\r\n');
    expect(respond(request("/nothing"), { at }).status).toBe(404);
  });

  test("of a former release only what is kept", () => {
    const missing = respond(request("/app.00000000.js"));
    expect(missing.flags).toBe(layout.ANSWER_MISSING);
    const former = {
      ...site,
      files: [
        { path: "app.00000000.js", body: "old" },
        { path: "old.html", body: "old" },
      ],
    };
    const at = core.load(writeSite(former).index);
    expect(exports.respondKept(at, 0)).toBe(1);
    expect(core.readAnswer()).toMatchObject({ status: 200, flags: 0, bytes: 3 });
    const before = respond(request("/old.html"));
    expect(exports.respondKept(at, 0)).toBe(0);
    expect(core.readAnswer()).toEqual(before);
    respond(request("/..."), { at });
    core.parse(request("/app.00000000.js", "POST"));
    expect(exports.respondKept(at, 0)).toBe(0);
  });

  test("fields alone, for HTTP/2", () => {
    const at = exports.input();
    const put = (text: string, position: number): [number, number] => {
      core.memory.write(text, at + position, "latin1");
      return [at + position, text.length];
    };
    exports.begin(layout.METHOD_GET);
    exports.target(...put("/style.css?x", 0));
    exports.field(layout.FIELD_ACCEPT_ENCODING, ...put("gzip;q=0.5", 100));
    exports.field(layout.FIELD_ACCEPT_ENCODING, ...put("zstd", 200));
    exports.respond(handle, layout.RESPOND_FIELDS);
    const { head, flags, status } = core.readAnswer();
    expect([status, flags]).toEqual([200, 0]);
    expect(head).toBe(
      `Content-Length: 25\r\nETag: "${tagOf("style.css")}-zstd"\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n` +
        "Accept-Ranges: bytes\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\nContent-Type: text/css; charset=utf-8\r\n" +
        "X-Content-Type-Options: nosniff\r\nContent-Encoding: zstd\r\n",
    );
    for (const [bad, expected] of [
      ["", 400],
      ["*", 400],
      ["x", 400],
      ["/docs?a\r\nb", 400],
      ["/a b", 400],
      [`/${"a".repeat(8192)}`, 414],
    ] as const) {
      exports.begin(layout.METHOD_GET);
      exports.target(...put(bad, 0));
      exports.respond(handle, layout.RESPOND_FIELDS);
      expect(core.readAnswer().status).toBe(expected);
    }
  });

  test("statuses that the host gives", () => {
    core.parse(request("/"));
    exports.respondStatus(503, 0);
    expect(readWireAnswer(Buffer.from(core.readAnswer().head, "latin1"), false)).toMatchObject({ status: 503 });
    expect(core.readAnswer().pageBytes).toBeGreaterThan(100);
    exports.respondStatus(204, 0);
    expect(core.readAnswer().head).toBe("HTTP/1.1 204 No Content\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n\r\n");
  });

  test("sources have names", () => {
    const at = exports.sourceName(handle, 0);
    const length = core.memory.readUInt32LE(exports.answer() + layout.ANSWER_AT_LENGTH);
    expect(core.memory.toString("latin1", at, at + length)).toBe("bodies");
    expect(exports.sourceName(handle, 1)).toBe(0);
  });

  test("dates are those that JavaScript writes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(4_000_000_000), fc.integer({ min: 0, max: 253_402_300_799 })), (seconds) => {
        exports.setTime(seconds + 0.75);
        const at = exports.date();
        expect(core.memory.toString("latin1", at, at + 29)).toBe(new Date(seconds * 1000).toUTCString());
      }),
    );
    for (const [odd, time] of [
      [-1, 0],
      [NaN, 0],
      [Infinity, 253_402_300_799],
    ] as const) {
      exports.setTime(odd);
      expect(core.memory.toString("latin1", exports.date(), exports.date() + 29)).toBe(
        new Date(time * 1000).toUTCString(),
      );
    }
    exports.setTime(Date.UTC(2026, 10, 24, 12) / 1000);
  });
});

describe("rules of the site", () => {
  const at = made(["index.html", "docs/index.html", "gone.html", "app.html"], {
    redirects: Buffer.from(
      [
        "/docs/ /forced 302!",
        "/index.html /never 302",
        "/old/* /docs/:splat 301",
        "/app/* /app.html 200",
        "/bye /gone.html 410",
      ].join("\n"),
    ),
    headers: Buffer.from("/*\n  X-All: yes\n/app/*\n  X-App: 1\n"),
  });
  const answer = (target: string, method = "GET"): AnswerRecord => respond(request(target, method), { at });

  test("forced ones go before files, others behind them", () => {
    expect(answer("/docs/").head).toContain("Location: /forced\r\n");
    expect(answer("/docs/").flags).toBe(0);
    expect(answer("/index.html").status).toBe(200);
    const moved = answer("/old/a/b?c=d");
    expect(moved).toMatchObject({ status: 301, flags: layout.ANSWER_MISSING, bytes: 0 });
    expect(moved.head).toContain("Location: /docs/a/b?c=d\r\n");
    expect(moved.head).toContain("X-All: yes\r\n");
  });

  test("rewrites and pages", () => {
    const rewritten = answer("/app/users");
    expect(rewritten).toMatchObject({ status: 200, path: "app.html", bytes: 8 });
    expect(rewritten.head).toContain("X-App: 1\r\n");
    expect(rewritten.head).toContain("ETag: ");
    const gone = answer("/bye");
    expect(gone).toMatchObject({ status: 410, path: "gone.html" });
    expect(gone.head).not.toContain("ETag");
    expect(answer("/app/users", "POST").status).toBe(405);
  });

  test("fields of rules are in every answer, each once", () => {
    for (const target of ["/", "/docs", "/nothing", "/old/x", "/app/x", "/bye"]) {
      expect(answer(target).head.split("X-All: yes\r\n")).toHaveLength(2);
    }
  });
});

const method = fc.constantFrom("GET", "HEAD", "POST");
const path = fc.oneof(
  fc.constantFrom(
    ...site.files.map((file) => `/${encodeURI(file.path)}`),
    "/",
    "/docs",
    "/docs/",
    "//",
    "/%",
    "/..",
    "/docs?a=%0d%0a",
  ),
  fc
    .array(
      fc.constantFrom("/", ".", "..", "%2e", "%2f", "%00", "%5c", "%0d%0a", "docs", "index.html", "?", "#", "\\", "@"),
      { maxLength: 6 },
    )
    .map((parts) => `/${parts.join("")}`),
);
const field = fc.oneof(
  fc.tuple(fc.constantFrom("Range", "If-Range"), fc.stringMatching(/^(?:bytes=)?[0-9]{0,6}-[0-9]{0,6}$/)),
  fc.tuple(
    fc.constantFrom("If-None-Match", "If-Modified-Since", "If-Range", "Range", "Accept-Encoding"),
    fc.string({ unit: "grapheme-ascii", maxLength: 20 }),
  ),
  fc.tuple(fc.constant("Accept-Encoding"), fc.constantFrom("br", "gzip;q=0.5, br;q=0.1", "*", "zstd, identity;q=0")),
);

test("whatever is asked, the answer is whole, well-formed, and of bytes of the site", () => {
  const host = new MemoryHost(core, writeSite({ ...site, fallback: "index.html" }));
  const fileBytes = new Map(site.files.map((file) => [file.path, file]));
  fc.assert(
    fc.property(method, path, fc.array(field, { maxLength: 4 }), (method, target, fields) => {
      const text = [
        `${method} ${target} HTTP/1.1`,
        "Host: a",
        ...fields.map(([name, value]) => `${name}: ${value}`),
      ].join("\r\n");
      const bytes = host.exchange(`${text}\r\n\r\n`);
      const answer = readWireAnswer(bytes, method === "HEAD");
      expect(answer.rest).toHaveLength(0);
      const record = core.readAnswer();
      expect(answer.status).toBe(record.status);
      if (record.file !== 0) {
        expect(fileBytes.has(Buffer.from(record.path, "latin1").toString())).toBe(true);
        const form = core.memory.subarray(record.formRecord);
        const start = form.readDoubleLE(layout.FORM_AT_OFFSET);
        const end = start + form.readDoubleLE(layout.FORM_AT_BYTES);
        expect(record.bytes === 0 || (record.offset >= start && record.offset + record.bytes <= end)).toBe(true);
      }
      const location = fieldOf(answer, "Location");
      if (location !== undefined) expect(location).toMatch(/^\/[A-Za-z]/);
    }),
    { numRuns: 3000 },
  );
});
