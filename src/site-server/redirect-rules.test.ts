import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RuleSite } from "./test-support/rule-site.ts";

const files = ["index.html", "404.html", "docs/index.html", "app.html", "gone.html", "blog/a.html", "a b.html"];

async function briefs(redirects: string, targets: string[]): Promise<string[]> {
  const site = await RuleSite.create({ redirects }, files);
  expect(site.problems).toEqual([]);
  return targets.map((target) => site.brief(target));
}

describe("_redirects", () => {
  const table: [rules: string, answers: Record<string, string>][] = [
    ["/old /new", { "/old": "301 /new", "/old/": "301 /new", "/older": "404 404.html", "/": "200 index.html" }],
    ["/old/ /new 302", { "/old": "302 /new", "/old/": "302 /new" }],
    ["/a /b 303\n/c /d 307\n/e /f 308", { "/a": "303 /b", "/c": "307 /d", "/e": "308 /f" }],
    ["# a comment\n\n  /old\t/new   301 # why\r\n", { "/old": "301 /new" }],
    ["\uFEFF/old /new", { "/old": "301 /new" }],
    [
      "/news/* /blog/:splat",
      { "/news/a/b": "301 /blog/a/b", "/news": "301 /blog/", "/news/": "301 /blog/", "/newsx": "404 404.html" },
    ],
    ["/*.php /:splat.html", { "/a/b.php": "301 /a/b.html", "/.php": "301 /.html" }],
    ["/a*z /x/:splat", { "/az": "301 /x/", "/a/z": "301 /x//", "/abcz": "301 /x/bc", "/abc": "404 404.html" }],
    [
      "/*/old/:name /:splat/new/:name",
      { "/a/b/old/c": "301 /a/b/new/c", "/old/c": "404 404.html", "/a/old/b/old/c": "301 /a/old/b/new/c" },
    ],
    [
      "/n/:year/:month/:slug.html /blog/:year-:month/:slug",
      {
        "/n/2024/05/hi.html": "301 /blog/2024-05/hi",
        "/n/2024/05/.html": "404 404.html",
        "/n/2024/05": "404 404.html",
      },
    ],
    [
      "/u/:id https://example.com/p?id=:id#x",
      { "/u/7": "301 https://example.com/p?id=7#x", "/u/7?q=1": "301 https://example.com/p?id=7#x" },
    ],
    ["/x https://example.com 302", { "/x?a=1": "302 https://example.com?a=1" }],
    ["/x /y#part", { "/x?a=1&b": "301 /y?a=1&b#part" }],
    [
      "/store id=:id /blog/:id 301\n/store /shop",
      {
        "/store?id=a%2Fb+c": "301 /blog/a%2Fb%20c",
        "/store": "301 /shop",
        "/store?id=": "301 /shop?id=",
        "/store?x=1&id=2": "301 /blog/2",
      },
    ],
    [
      "/s a=1 b=:b /t/:b\n/s flag /flag",
      { "/s?b=x&a=1": "301 /t/x", "/s?a=2&b=x": "404 404.html", "/s?flag": "301 /flag", "/s?flag=9": "301 /flag" },
    ],
    ["/spa/* /app.html 200", { "/spa/x/y": "200 app.html", "/spa": "200 app.html" }],
    [
      "/d /docs 200\n/e /docs/ 200\n/f / 200",
      { "/d": "200 docs/index.html", "/e": "200 docs/index.html", "/f": "200 index.html" },
    ],
    ["/was /gone.html 410\n/secret/* /gone.html 403", { "/was": "410 gone.html", "/secret/x": "403 gone.html" }],
    ["/b/:n /blog/:n.html 200", { "/b/a": "200 blog/a.html", "/b/zzz": "404 404.html" }],
    ["/sp /a%20b.html 200", { "/sp": "200 a b.html" }],
    [
      "/* /app.html 200",
      { "/": "200 index.html", "/docs/": "200 docs/index.html", "/any": "200 app.html", "/any.css": "200 app.html" },
    ],
    ["/docs/* /app.html 200!\n/ /docs/ 302!", { "/docs/": "200 app.html", "/docs": "200 app.html", "/": "302 /docs/" }],
    ["/x/* 200\n/* /app.html 200", { "/x/y": "404 404.html", "/y": "200 app.html" }],
    ["/b%C3%BCcher /b\u00FCcher-neu\n/sp%20ace /x", { "/b%C3%BCcher": "301 /b%C3%BCcher-neu", "/sp%20ace": "301 /x" }],
    ["/%2A /star\n/%3Ax /colon", { "/*": "301 /star", "/y": "404 404.html", "/:x": "301 /colon" }],
    ["/wiki/Special:Search /search", { "/wiki/Special:Search": "301 /search" }],
    ["/c/* /d/:splat", { "/c/a%22%3C%0A%25": "301 /d/a%22%3C%0A%25", "/c/a%3Fb%23c": "301 /d/a%3Fb%23c" }],
    ["/first /a\n/first /b", { "/first": "301 /a" }],
  ];

  test.each(table)("%s", async (rules, answers) => {
    expect(await briefs(rules, Object.keys(answers))).toEqual(Object.values(answers));
  });

  test("a rule never leads to the request itself", async () => {
    const rules = "/trailing /trailing/ 301\n/a /a?x=1\n/loop/* /loop/:splat 302\n/%C3%BC /\u00FC";
    const targets = ["/trailing", "/trailing/", "/a", "/a?x=1", "/loop/y", "/%C3%BC"];
    const wanted = ["301 /trailing/", "404 404.html", "301 /a?x=1", "404 404.html", "404 404.html", "404 404.html"];
    expect(await briefs(rules, targets)).toEqual(wanted);
  });

  test("no splat or parameter leads to another host", async () => {
    const rules = "/x/* /:splat\n/q to=:to /:to\n/p to=:to https://example.com/:to";
    const site = await RuleSite.create({ redirects: rules });
    expect(site.brief("/x//evil.com")).toBe("404 404.html");
    expect(site.brief("/q?to=/evil.com")).toBe("301 /%2Fevil.com");
    expect(site.brief("/q?to=%5Cevil.com")).toBe("301 /%5Cevil.com");
    expect(site.brief("/p?to=@evil.com/")).toBe("301 https://example.com/%40evil.com%2F");
    const all = await RuleSite.create({ redirects: "/* /:splat 302" }, []);
    for (const target of ["//evil.com", "///evil.com", "/%5Cevil.com", "/%09/evil.com"]) {
      expect(all.ask(target).fields["location"] ?? "/", target).not.toMatch(/^\/[/\\]/);
    }
  });

  test("header rules go with redirects and pages too", async () => {
    const headers = "/old\n  X-Robots-Tag: noindex\n  Cache-Control: max-age=60\n/was\n X-A: b";
    const site = await RuleSite.create({ headers, redirects: "/old /new\n/was /404.html 410" });
    expect(site.ask("/old").fields).toMatchObject({ "x-robots-tag": "noindex", "cache-control": "max-age=60" });
    expect(site.ask("/was").fields).toMatchObject({ "x-a": "b", "cache-control": "no-cache" });
  });

  test("the first of thousands that matches", async () => {
    const rules = Array.from({ length: 3000 }, (_, i) => `/old/${i} /new/${i}`).join("\n");
    const site = await RuleSite.create({ redirects: rules });
    expect(site.brief("/old/2999")).toBe("301 /new/2999");
    expect(site.brief("/old/3000")).toBe("404 404.html");
  });

  const wrong: [line: string, problem: string][] = [
    ["/a", "no target: /a"],
    ["/a b=c", "no target; it begins with /, http:// or https://: b=c"],
    ["/a 301", "no target: 301"],
    ["a /b", "no path; it begins with /: a"],
    ["https://example.com/* /b", "a host; the rules of a site know paths only: https://example.com/*"],
    ["/a /b 999", "no status that a rule may give: 999"],
    ["/a /b 3o1", "no status: 3o1"],
    ["/a /b 304", "no status that a rule may give: 304"],
    ["/a /b 301 Country=de", "conditions (Country, Language, Role, Cookie) are not understood: Country=de"],
    ["/a /b Language=de", "conditions (Country, Language, Role, Cookie) are not understood: Language=de"],
    [
      "/a/* https://api.example.com/:splat 200",
      "another host cannot be proxied; use a redirect, such as 302: https://api.example.com/:splat",
    ],
    [
      "/a //evil.com",
      "a target that begins with two slashes leads to another host; write https:// if it shall: //evil.com",
    ],
    ["/a/* https://:splat", "no host that a redirect may lead to: https://:splat"],
    ["/a/* https://example.com:splat", "no host that a redirect may lead to: https://example.com:splat"],
    ["/a https://user@example.com", "no host that a redirect may lead to: https://user@example.com"],
    ["/a https:///x", "a URL without a host: https:///x"],
    ["/a/*/b/* /c", "more than one * in a path: /a/*/b/*"],
    ["/:a/:a /c", "a placeholder that comes twice: a"],
    ["/a/:b*c /d", "a * in one name with a placeholder: b*c"],
    ["/a /b/:c", "a placeholder that stands for nothing: :c"],
    ["/a?b=c /d", "a query or fragment in a path; query parameters follow it, as in `/store id=:id /blog/:id`: ?b=c"],
    ["/a%zz /d", "a % that begins no escape; write %25: %zz"],
    ["/a%00 /d", "a % that begins no escape; write %25: %00"],
    ["/a =b /d", "a parameter without a name: =b"],
    ["/a /missing.html 200", "no file of the site: missing.html"],
    [`/${"x".repeat(2048)} /b`, `a line of more than 2048 bytes: /${"x".repeat(59)}...`],
  ];

  test.each(wrong)("%s", async (line, problem) => {
    const site = await RuleSite.create({ redirects: `# first\n${line}\n/good /better` });
    expect(site.problems).toEqual([`_redirects:2: ${problem}`]);
    expect(site.brief("/good")).toBe("301 /better");
  });

  test("many problems are told of shortly", async () => {
    const { problems } = await RuleSite.create({ redirects: "/a\n".repeat(500) });
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toBe("_redirects: more is wrong than is told here");
  });

  test("any text is read, and any request answered by a whole head", async () => {
    const word = fc.oneof(
      fc.constantFrom(
        "/",
        "/*",
        "/:a",
        ":splat",
        "https://",
        "x",
        "301",
        "200!",
        "#",
        "a=:b",
        "\n",
        " ",
        "%2f",
        "//",
        "*",
        ":",
      ),
      fc.string({ maxLength: 4 }),
    );
    const text = fc.array(word, { maxLength: 60 }).map((words) => words.join(""));
    const target = fc.array(fc.constantFrom("/", "a", "x", "%41", "?", "&", "=", "b", "%", ":"), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(target, { maxLength: 5 }), async (redirects, targets) => {
        const site = await RuleSite.create({ redirects, headers: redirects });
        for (const parts of targets) {
          const { status, fields } = site.ask(`/${parts.join("")}`);
          expect(status).toBeGreaterThanOrEqual(200);
          expect(fields["location"] ?? "/").not.toMatch(/^\/[/\\]/);
        }
      }),
      { numRuns: 60 },
    );
  });
});
