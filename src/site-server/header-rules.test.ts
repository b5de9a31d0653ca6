import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RuleSite } from "./test-support/rule-site.ts";

const files = ["index.html", "404.html", "docs/index.html", "docs/a.css", "app.3f9a1c2b.js", "a.bin"];

async function fieldsOf(headers: string, target: string): Promise<Record<string, string>> {
  const site = await RuleSite.create({ headers }, files);
  expect(site.problems).toEqual([]);
  return site.ask(target).fields;
}

describe("_headers", () => {
  const table: [headers: string, fields: Record<string, Record<string, string | undefined>>][] = [
    ["/*\n  X-A: b", { "/": { "x-a": "b" }, "/docs": { "x-a": "b" }, "/no": { "x-a": "b" } }],
    ["/**\n  X-A: b", { "/": { "x-a": "b" }, "/docs": { "x-a": "b" }, "/no": { "x-a": "b" } }],
    ["/docs/**\n  X-A: b", { "/docs/a.css": { "x-a": "b" }, "/a.bin": { "x-a": undefined } }],
    [
      "\uFEFF# why\r\n/docs/*\r\n\tX-A : b:c \r\n",
      { "/docs/": { "x-a": "b:c" }, "/docs": { "x-a": "b:c" }, "/": { "x-a": undefined } },
    ],
    ["/docs\nX-A: b", { "/docs/": { "x-a": "b" }, "/docs": { "x-a": "b" }, "/docs/a.css": { "x-a": undefined } }],
    ["/*.css\n  X-A: b", { "/docs/a.css": { "x-a": "b" }, "/": { "x-a": undefined } }],
    ["/*/a.*\n  X-A: b", { "/docs/a.css": { "x-a": "b" }, "/a.bin": { "x-a": undefined } }],
    ["/:dir/a.css\n  X-A: b", { "/docs/a.css": { "x-a": "b" }, "/a.css": { "x-a": undefined } }],
    ["/a.bin\n  X-A: b\n  x-a: c", { "/a.bin": { "x-a": "b, c" } }],
    ["/a.bin\n  Set-Cookie: b\n  Set-Cookie: c", { "/a.bin": { "set-cookie": "b; AND c" } }],
    ["/*\n  X-A: b\n  X-B: c\n/a.bin\n  X-A: d", { "/a.bin": { "x-a": "d", "x-b": "c" }, "/": { "x-a": "b" } }],
    ["/*\n  X-A: b\n/a.bin\n  ! X-A", { "/a.bin": { "x-a": undefined }, "/": { "x-a": "b" } }],
    ["/a.bin\n  ! X-A\n  X-A: b", { "/a.bin": { "x-a": "b" } }],
    [
      "/*\n  Cache-Control: no-store",
      { "/": { "cache-control": "no-store" }, "/app.3f9a1c2b.js": { "cache-control": "no-store" } },
    ],
    [
      "/*\n  ! Cache-Control\n  ! X-Content-Type-Options",
      { "/": { "cache-control": undefined, "x-content-type-options": undefined } },
    ],
    ["/*\n  Content-Type: text/x", { "/a.bin": { "content-type": "text/x" }, "/": { "content-type": "text/x" } }],
    ["/*\n  Vary: Origin", { "/": { vary: "Accept-Encoding, Origin" }, "/a.bin": { vary: "Origin" } }],
    ["/*\n  Vary: accept-encoding", { "/": { vary: "Accept-Encoding" }, "/a.bin": { vary: undefined } }],
    [
      "/docs/:file\n  X-File: <:file>:other",
      { "/docs/a.css": { "x-file": "<a.css>:other" }, "/docs/%C3%BC.css": { "x-file": "<%C3%BC.css>:other" } },
    ],
    ["/docs/*\n  X-Rest: :splat", { "/docs/a.css": { "x-rest": "a.css" }, "/docs/x%0Dy/z": { "x-rest": "x%0Dy/z" } }],
    ["/docs/*\n X-Rest: :splat\n/:dir/a.css\n X-Dir: :dir", { "/docs/a.css": { "x-rest": "a.css", "x-dir": "docs" } }],
    ["/nothing", { "/nothing": { "cache-control": "no-cache" } }],
  ];

  test.each(table)("%s", async (headers, answers) => {
    for (const [target, wanted] of Object.entries(answers)) {
      const fields = await fieldsOf(headers, target);
      for (const [name, value] of Object.entries(wanted)) expect(fields[name], `${name} of ${target}`).toBe(value);
    }
  });

  test("a 304 has the site's fields but those of content", async () => {
    const site = await RuleSite.create(
      { headers: "/*\n X-A: b\n Content-Language: de\n Cache-Control: max-age=5" },
      files,
    );
    const { fields } = site.ask("/");
    const again = site.ask("/", `If-None-Match: ${fields["etag"]}\r\n`);
    expect(again.status).toBe(304);
    expect(again.fields).toMatchObject({ "x-a": "b", "cache-control": "max-age=5" });
    expect(again.fields).not.toHaveProperty("content-language");
    expect(fields["content-language"]).toBe("de");
  });

  test("the fallback and rewrites have the fields of the path that was asked for", async () => {
    const headers = "/app/*\n X-A: b\n/index.html\n X-B: c";
    const site = await RuleSite.create({ headers, redirects: "/r/* /index.html 200\n/app/r /index.html 200" }, files, {
      fallback: "index.html",
    });
    expect(site.ask("/app/x").fields).toMatchObject({ "x-a": "b" });
    expect(site.ask("/app/x").fields).not.toHaveProperty("x-b");
    expect(site.ask("/app/r").fields).toMatchObject({ "x-a": "b" });
    expect(site.ask("/index.html").fields).toMatchObject({ "x-b": "c" });
  });

  const wrong: [lines: string, problem: string][] = [
    ["X-A: b", "_headers:2: comes before any path: X-A: b"],
    [
      "https://example.com/*\n  X-A: b",
      "_headers:2: a host; the rules of a site know paths only: https://example.com/*",
    ],
    ["/a b\n  X-A: b", "_headers:2: a path with a blank; write %20: /a b"],
    [
      "/a?b\n  X-A: b",
      "_headers:2: a query or fragment in a path; query parameters follow it, as in `/store id=:id /blog/:id`: ?b",
    ],
    ["/a\n  nonsense", "_headers:3: neither a path nor a field: nonsense"],
    ["/a\n  X-A:", "_headers:3: a field without a value: X-A"],
    ["/a\n  X A: b", "_headers:3: no name of a field: X A"],
    ["/a\n  : b", "_headers:3: no name of a field"],
    ["/a\n  X-A: b\0c", "_headers:3: a value with control characters: X-A"],
    ["/a\n  X-A: b\rX-B: c", "_headers:3: a value with control characters: X-A"],
    ["/a\n  Content-Length: 5", "_headers:3: a field that the server alone sets: Content-Length"],
    ["/a\n  transfer-encoding: chunked", "_headers:3: a field that the server alone sets: transfer-encoding"],
    ["/a\n  Connection: close", "_headers:3: a field that the server alone sets: Connection"],
    ["/a\n  ETag: x", "_headers:3: a field that the server alone sets: ETag"],
    ["/a\n  Location: /b", "_headers:3: a field that the server alone sets: Location"],
    [
      "/a\n  Basic-Auth: me:secret",
      "_headers:3: passwords are not understood, and would be sent to everyone; nothing is protected: Basic-Auth",
    ],
    ["/a\n  ! Vary", "_headers:3: a field that answers cannot go without: ! Vary"],
    [`/a\n  X-A: ${"x".repeat(6001)}`, "_headers:3: a value of more than 6000 bytes: X-A"],
    [
      `/a\n  X-A: ${"x".repeat(4000)}\n  X-B: ${"x".repeat(4000)}`,
      "_headers:2: all fields together would be longer than 7168 bytes; passed over: X-B",
    ],
  ];

  test.each(wrong)("%s", async (lines, problem) => {
    const site = await RuleSite.create({ headers: `#\n${lines}\n/a.bin\n  X-Good: yes` }, files);
    expect(site.problems).toEqual([problem]);
    expect(site.ask("/a.bin").fields).toMatchObject({ "x-good": "yes" });
  });

  test("many names, many lines, many paths", async () => {
    const names = Array.from({ length: 70 }, (_, i) => `  X-${i}: b`).join("\n");
    const site = await RuleSite.create({ headers: `/*\n${names}` }, files);
    expect(site.problems[0]).toBe("_headers:62: more than 60 different fields: X-60");
    expect(site.ask("/").fields).toMatchObject({ "x-0": "b", "x-59": "b" });
    const lines = await RuleSite.create({ headers: `/*\n${"  X-A: b\n".repeat(130)}` }, files);
    expect(lines.problems).toEqual([
      "_headers:130: more than 128 lines for one path: X-A",
      "_headers:131: more than 128 lines for one path: X-A",
    ]);
    const paths = await RuleSite.create(
      { headers: Array.from({ length: 502 }, (_, i) => `/${i}\n X-A: ${i}\n`).join("") },
      files,
    );
    expect(paths.problems).toEqual([
      "_headers:1001: more than 500 paths; passed over: /500",
      "_headers:1003: more than 500 paths; passed over: /501",
    ]);
    expect(paths.ask("/499").fields).toMatchObject({ "x-a": "499" });
  });

  test("a value that what was captured makes too long is left out", async () => {
    const site = await RuleSite.create({ headers: "/*\n X-A: :splat:splat:splat\n X-B: c" }, files);
    const { fields } = site.ask(`/${"%C3%BC".repeat(1000)}`);
    expect(fields).not.toHaveProperty("x-a");
    expect(fields).toMatchObject({ "x-b": "c", "cache-control": "no-cache" });
  });

  test("patterns match as the regular expressions do that say the same", async () => {
    const piece = fc.constantFrom("/", "a", "b", "/*", "*", "/:p", "/:q", ".x", "ab");
    const pattern = fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => {
      const text = `/${pieces.join("")}`.replaceAll(/\/{2,}/g, "/").replaceAll(/\*{2,}/g, "*");
      return text.replaceAll(/(:[pq])[ab]+/g, "$1");
    });
    const path = fc
      .array(fc.constantFrom("/", "a", "b", "c", ".x"), { maxLength: 9 })
      .map((parts) => `/${parts.join("")}`);
    await fc.assert(
      fc.asyncProperty(pattern, fc.array(path, { minLength: 5, maxLength: 12 }), async (text, targets) => {
        const site = await RuleSite.create({ headers: `${text}\n X-A: b` }, []);
        fc.pre(site.problems.length === 0);
        const expression = regexOf(text);
        for (const target of targets) {
          const matched = site.ask(target).fields["x-a"] === "b";
          expect(matched, `${text} and ${target}`).toBe(expression.test(target));
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** The pattern as a regular expression: the plainest, and not bounded in time. */
function regexOf(pattern: string): RegExp {
  const trimmed = pattern.length > 1 && pattern.endsWith("/") ? pattern.slice(0, -1) : pattern;
  const tail = trimmed.length > 2 && trimmed.endsWith("/*");
  const body = (tail ? trimmed.slice(0, -2) : trimmed)
    .replaceAll(".", "\\.")
    .replaceAll("*", ".*")
    .replaceAll(/\/:[pq]/g, "/[^/]+");
  if (tail) return new RegExp(`^${body}(?:/.*)?$`);
  return new RegExp(trimmed.endsWith("*") ? `^${body}$` : trimmed === "/" ? "^//?$" : `^${body}/?$`);
}
