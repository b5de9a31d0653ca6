import { writeFileSync } from "node:fs";
import { parseAllHeaders } from "@netlify/headers-parser";
import { parseAllRedirects } from "@netlify/redirect-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { RuleSite } from "./test-support/rule-site.ts";

/**
 * What we make of `_headers` and `_redirects` beside what Netlify's own parsers do. They only parse: of headers, Netlify's command line merges the values of
 * all paths that match, later ones over earlier ones; so do we.
 */

interface NetlifyRedirect {
  from: string;
  query: Record<string, string>;
  to: string;
  status?: number;
  force: boolean;
  conditions: Record<string, unknown>;
}

async function netlifyHeaders(
  text: string,
): Promise<{ fieldsOf(path: string): Record<string, string>; errors: number }> {
  using folder = temporaryFolder("netlify");
  const file = folder.file("_headers");
  writeFileSync(file, text);
  const { headers, errors } = await parseAllHeaders({ headersFiles: [file], configHeaders: undefined, minimal: false });
  const fieldsOf = (path: string): Record<string, string> => {
    const fields: Record<string, string> = {};
    for (const header of headers) {
      if (!("forRegExp" in header) || !header.forRegExp.test(path)) continue;
      for (const [name, value] of Object.entries(header.values)) fields[name.toLowerCase()] = value;
    }
    return fields;
  };
  return { fieldsOf, errors: errors.length };
}

async function netlifyRedirects(text: string): Promise<{ redirects: NetlifyRedirect[]; errors: number }> {
  using folder = temporaryFolder("netlify");
  const file = folder.file("_redirects");
  writeFileSync(file, text);
  const parsed = await parseAllRedirects({ redirectsFiles: [file], configRedirects: [], minimal: false });
  return { redirects: parsed.redirects as NetlifyRedirect[], errors: parsed.errors.length };
}

describe("_headers", () => {
  const same = [
    "/*\n  X-Frame-Options: DENY\n  X-XSS-Protection: 1; mode=block",
    "# comment\n/*\n  # comment\n  X-A: b # no comment\n\n/docs/*\n  X-A: c\n  X-B: d",
    "/*\n  X-A: b\n  X-A: c\n  X-A: d",
    "/docs\n  X-A: b",
    "/docs/\n  X-A: b",
    "/:one/a.css\n  X-A: b",
    "/:one/:two/c\n  X-A: b",
    "/*\nX-A:b\n\tX-B :\tc:d\r\n",
    "/*.css\n  X-A: b",
    "/docs/a*.css\n  X-A: b",
    "/x\n  X-A: b\n/docs\n/*\n  X-C: d\n/docs/*\n  X-C: e",
    "/*\n  Content-Security-Policy: default-src 'self'; img-src *",
  ];
  const targets = ["/", "/docs", "/docs/", "/docs/a.css", "/docs/ab.css", "/a.css", "/x", "/x/", "/x/y/c", "/no"];

  test.each(same)("the same: %s", async (headers) => {
    const theirs = await netlifyHeaders(headers);
    const site = await RuleSite.create({ headers }, ["docs/index.html", "docs/a.css"]);
    expect(theirs.errors).toBe(site.problems.length);
    const bare = await RuleSite.create({}, ["docs/index.html", "docs/a.css"]);
    for (const target of targets) {
      const fields = theirs.fieldsOf(target);
      expect(site.ask(target).fields, target).toEqual({ ...bare.ask(target).fields, ...fields });
    }
  });

  test("the same for generated files", async () => {
    const path = fc
      .uniqueArray(fc.constantFrom("a", "b", ":p", "x.css"), { maxLength: 3 })
      .map((names) => `/${names.join("/")}`);
    const pattern = fc
      .tuple(path, fc.constantFrom("", "", "/*"))
      .map(([start, end]) => (start === "/" ? "" : start) + end || "/");
    const field = fc.tuple(
      fc.constantFrom("X-A", "X-B", "Cache-Control"),
      fc.constantFrom("b", "c; d", '"e:f"', "g=h"),
    );
    const line = fc.oneof(
      { weight: 3, arbitrary: pattern },
      { weight: 5, arbitrary: field.map(([name, value]) => `  ${name}: ${value}`) },
      { weight: 1, arbitrary: fc.constantFrom("", "# comment", "  ", "\t# x") },
    );
    // No name begins as another does: see the differences.
    const targets = ["/", "/a", "/a/", "/b/a", "/a/b/", "/x.css", "/a/b/x.css", "/a/b/c/d"];
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 14 }), async (lines) => {
        const headers = `/*\n${lines.join("\n")}`;
        const theirs = await netlifyHeaders(headers);
        const site = await RuleSite.create({ headers }, []);
        const bare = await RuleSite.create({}, []);
        expect(site.problems).toHaveLength(theirs.errors);
        for (const target of targets) {
          expect(site.ask(target).fields, target).toEqual({ ...bare.ask(target).fields, ...theirs.fieldsOf(target) });
        }
      }),
      { numRuns: 80 },
    );
  });

  /** Each: what is read, for which path, Netlify's fields or number of errors, and ours. */
  const different: [why: string, headers: string, path: string, theirs: object | number, ours: object | string][] = [
    ["paths are the case that they are: so are those of files", "/Docs\n X-A: b", "/docs", { "x-a": "b" }, {}],
    [
      "`/docs/*` is what is in the folder, and not another name that begins so",
      "/docs/*\n X-A: b",
      "/docsy",
      { "x-a": "b" },
      {},
    ],
    ["`*` between slashes is not empty together with one of them", "/a/*/b\n X-A: b", "/a/b", { "x-a": "b" }, {}],
    ["a placeholder ends where its letters do, as on Cloudflare", "/:a.css\n X-A: b", "/x.js", { "x-a": "b" }, {}],
    [
      "a placeholder has one value",
      "/:p/:p\n X-A: b",
      "/a/b",
      { "x-a": "b" },
      "_headers:1: a placeholder that comes twice: p",
    ],
    ["a value stays as it is written", "/a\n X-A: b,c", "/a", { "x-a": "b, c" }, { "x-a": "b,c" }],
    ["a name is one name in any case", "/a\n X-A: b\n x-a: c", "/a", { "x-a": "c" }, { "x-a": "b, c" }],
    [
      "cookies are no list",
      "/a\n Set-Cookie: b\n Set-Cookie: c",
      "/a",
      { "set-cookie": "b, c" },
      { "set-cookie": "b; AND c" },
    ],
    ["placeholders stand in values, as on Cloudflare", "/:p\n X-A: <:p>", "/a", { "x-a": "<:p>" }, { "x-a": "<a>" }],
    ["`!` takes a field away, as on Cloudflare", "/*\n X-A: b\n/a\n ! X-A", "/a", { "x-a": "b" }, {}],
    ["escapes in paths stand for what they escape", "/%61\n X-A: b", "/a", {}, { "x-a": "b" }],
    ["what is no field is told of", "/a\n nonsense", "/a", 0, "_headers:2: neither a path nor a field: nonsense"],
    ["a name that cannot be sent is told of", "/a\n X A: b", "/a", 0, "_headers:2: no name of a field: X A"],
    [
      "what the server sets is told of; Netlify ignores it later",
      "/a\n Date: b",
      "/a",
      0,
      "_headers:2: a field that the server alone sets: Date",
    ],
    [
      "a rule for a host is told of: theirs becomes a field `https`",
      "/a\n X-A: b\nhttps://x.test/*",
      "/a",
      0,
      "_headers:3: a host; the rules of a site know paths only: https://x.test/*",
    ],
  ];

  test.each(different)("different: %s", async (_why, headers, path, theirs, ours) => {
    const parsed = await netlifyHeaders(headers);
    const site = await RuleSite.create({ headers }, []);
    if (typeof theirs === "number") expect(parsed.errors).toBe(theirs);
    else expect(parsed.fieldsOf(path)).toEqual(theirs);
    if (typeof ours === "string") {
      expect(site.problems).toEqual([ours]);
    } else {
      const { "x-a": a, "set-cookie": cookie } = site.ask(path).fields;
      expect({
        ...(a === undefined ? {} : { "x-a": a }),
        ...(cookie === undefined ? {} : { "set-cookie": cookie }),
      }).toEqual(ours);
      expect(site.problems).toEqual([]);
    }
  });
});

/** What a visitor who asks for `from`, with its splat and placeholders filled in, gets by a rule of Netlify's. */
function exampleOf(rule: NetlifyRedirect): { target: string; wanted: string } {
  const fill = (text: string): string => text.replaceAll(/:(?!splat)([a-z]+)/g, "v-$1");
  const query = Object.entries(rule.query).map(([name, value]) => `${name}=${fill(value)}`);
  const from = fill(rule.from.replace("*", "s/t")) + (query.length > 0 ? `?${query.join("&")}` : "");
  const to = fill(rule.to).replace(":splat", "s/t");
  const status = rule.status ?? 301;
  return { target: from, wanted: status < 300 || status >= 400 ? `${status} ${to.slice(1)}` : `${status} ${to}` };
}

describe("_redirects", () => {
  const same = [
    "/home /\n/blog/my-post.php /blog/my-post 302 # comment\n/news /blog\n/cuties https://www.petsofnetlify.com",
    "/news/* /blog/:splat",
    "/news/:month/:date/:year/:slug /blog/:year/:month/:date/:slug",
    "/store id=:id /blog/:id 301",
    "/articles id=:id tag=:tag /posts/:tag/:id 301",
    "/path/* param=:value /otherpath/:value/:splat 301",
    "/* /index.html 200",
    "/app/* /index.html 200!",
    "/gone/* /404.html 410\n/x /404.html 404",
    "/a /b 301!\n/c https://example.com/:splat",
    "/temp /other 307\n/perm /other 308\n/see /other 303",
  ];

  test.each(same)("the same: %s", async (redirects) => {
    const { redirects: rules, errors } = await netlifyRedirects(redirects);
    const site = await RuleSite.create({ redirects }, ["index.html", "404.html"]);
    // `:splat` without a `*` means nothing: theirs leaves it as it is.
    expect(site.problems).toHaveLength(errors + (redirects.includes("/c https") ? 1 : 0));
    for (const rule of rules) {
      if (rule.from === "/c") continue;
      const { target, wanted } = exampleOf(rule);
      expect(site.brief(target), target).toBe(wanted);
    }
  });

  test("the same for generated files", async () => {
    const name = fc.constantFrom("a", "bb", "c.html", "d-e");
    const start = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join("/")}`);
    const path = fc.tuple(start, fc.constantFrom("", "/*", "/:p", "/:p/x/:q", "/:p/*"));
    const rule = fc
      .tuple(
        path,
        start,
        fc.constantFrom("", "https://example.com"),
        fc.constantFrom("", " 301", " 302!", " 307", " 308"),
        fc.constantFrom("", " # x"),
      )
      .map(([[from, wild], to, host, status, comment]) => {
        const placeholders = (wild.match(/:[pq]/g) ?? []).map((placeholder) => `/${placeholder}`).join("");
        return `/from${from}${wild}   ${host}${to}${placeholders}${wild.endsWith("*") ? "/:splat" : ""}${status}${comment}`;
      });
    const line = fc.oneof(
      { weight: 5, arbitrary: rule },
      { weight: 1, arbitrary: fc.constantFrom("", "# comment", "/nothing", "  ") },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
        const { redirects: rules, errors } = await netlifyRedirects(lines.join("\n"));
        for (const rule of rules) {
          const only = lines.find((candidate) => candidate.startsWith(`${rule.from} `)) ?? "";
          const site = await RuleSite.create({ redirects: only });
          const first = rules.find(({ from }) => from === rule.from);
          if (first === undefined) continue;
          const { target, wanted } = exampleOf(first);
          expect(site.brief(target), only).toBe(wanted);
        }
        expect((await RuleSite.create({ redirects: lines.join("\n") })).problems).toHaveLength(errors);
      }),
      { numRuns: 60 },
    );
  });

  /** Each: a line, how many rules Netlify reads in it, and what we say of it. */
  const different: [why: string, line: string, theirs: number, problem: string | undefined][] = [
    [
      "hosts belong to the ingress",
      "http://blog.test/* /blog/:splat",
      1,
      "_redirects:1: a host; the rules of a site know paths only: http://blog.test/*",
    ],
    [
      "nothing is proxied",
      "/api/* https://api.test/:splat 200",
      1,
      "_redirects:1: another host cannot be proxied; use a redirect, such as 302: https://api.test/:splat",
    ],
    [
      "visitors are not told apart",
      "/a /b 302 Country=de",
      1,
      "_redirects:1: conditions (Country, Language, Role, Cookie) are not understood: Country=de",
    ],
    ["a status is one that a browser understands", "/a /b 999", 1, "_redirects:1: no status that a rule may give: 999"],
    ["a status is a number: theirs is 3", "/a /b 3o1", 1, "_redirects:1: no status: 3o1"],
    [
      "two slashes would lead to a host",
      "/a //b.test/c",
      1,
      "_redirects:1: a target that begins with two slashes leads to another host; write https:// if it shall: //b.test/c",
    ],
    [
      "a visitor must not choose the host",
      "/a/* https://:splat",
      1,
      "_redirects:1: no host that a redirect may lead to: https://:splat",
    ],
    ["a path begins with a slash", "a /b", 1, "_redirects:1: no path; it begins with /: a"],
    ["a `*` has one name only", "/a/*/b/* /c/:splat", 1, "_redirects:1: more than one * in a path: /a/*/b/*"],
    ["their functions have no meaning here", "/.netlify/x /b", 0, undefined],
    ["a rewrite whose page is missing", "/a /missing.html 200", 1, "_redirects:1: no file of the site: missing.html"],
  ];

  test.each(different)("different: %s", async (_why, line, theirs, problem) => {
    const { redirects } = await netlifyRedirects(line);
    expect(redirects).toHaveLength(theirs);
    const { problems } = await RuleSite.create({ redirects: line });
    expect(problems).toEqual(problem === undefined ? [] : [problem]);
  });
});
