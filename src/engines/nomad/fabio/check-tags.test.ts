import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkTags, requireSoundTags } from "./check-tags.ts";
import { routeCommands, tableOf } from "./fakes.ts";
import { stopsFabio } from "./stops-fabio.ts";

const problemsOf = (...tags: string[]): string[] => checkTags({ name: "web", tags }).map(({ problem }) => problem);

describe("a tag that would stop Fabio is refused", () => {
  test.each([
    ["urlprefix-", "has neither host nor path"],
    ["urlprefix- strip=/x", "has neither host nor path"],
    ["urlprefix-[bad.test/", "has a host that Fabio may not read: `[bad.test`"],
    ["urlprefix-bad.test/[", "has a path that Fabio may not read: `/[`"],
    ["urlprefix-bad.test/{a", "has a path that Fabio may not read: `/{a`"],
    ["urlprefix-bad.test/a\\", "has a path that Fabio may not read: `/a\\`"],
    ["urlprefix-bad.test/\tx", "has a character in it that is not plain ASCII"],
    [
      "urlprefix-bad.test/ weight=abc",
      "has `weight=abc`, where `weight` is a share from 0 to 1, such as `weight=0.25`",
    ],
    [
      "urlprefix-bad.test/ weight=Inf",
      "has `weight=Inf`, where `weight` is a share from 0 to 1, such as `weight=0.25`",
    ],
    ["urlprefix-bad.test/ weight=1e308", /where `weight` is a share/],
    ['urlprefix-quote.test/ strip="/x"', 'has `strip="/x"`, where `strip` is a path'],
    ["urlprefix-bad.test/ redirect=301,http://[/", /where `redirect` is a status and an address/],
    ["urlprefix-bad.test/ redirect=301,http://%zz/", /where `redirect` is/],
  ])("%s", (tag, problem) => {
    const found = problemsOf(tag);
    expect(found).toHaveLength(1);
    if (problem instanceof RegExp) expect(found[0]).toMatch(problem);
    else expect(found[0]).toBe(problem);
  });

  test("a quotation mark in any other tag of a service with a route", () => {
    expect(problemsOf("urlprefix-web.test/", 'say "hi"')).toEqual([
      "has a quotation mark in it, which stops all of Fabio's routes from changing",
    ]);
  });

  test("a name of a service with a space", () => {
    expect(checkTags({ name: "my web", tags: ["urlprefix-web.test/"] })).toEqual([
      { tag: undefined, problem: expect.stringContaining("`my web`"), stopsFabio: true },
    ]);
  });

  test("so many tags that the line is too long for Fabio", () => {
    expect(problemsOf("urlprefix-web.test/", "x".repeat(5000))).toEqual([expect.stringContaining("4096 characters")]);
  });
});

describe("a tag that does something else than it seems to is refused", () => {
  test.each([
    ["urlprefix-$host/", "Fabio puts in nothing for it: any host"],
    ["urlprefix-bücher.test/", "browsers ask for xn--bcher-kva.test"],
    [" urlprefix-web.test/", "a route since Fabio 1.6.4, none before"],
    ["urlprefix-web.test/ stripp=/x", "Fabio passes over what it does not know"],
    ["urlprefix-web.test/ allow=ip:10.0.0.300", "Fabio then lets in everybody"],
    ["urlprefix-web.test/ allow=10.0.0.1", "the same"],
    ["urlprefix-web.test/ allow=ip:10.0.0.1 deny=ip:10.0.0.2", "the same"],
    ["urlprefix-web.test/ redirect=200,https://x.test/", "no redirect"],
    ["urlprefix-web.test/ redirect=https://x.test/", "the service, and no redirect"],
    ["urlprefix-web.test/ strip=/a strip=/b", "the last one counts"],
    ["urlprefix-web.test:99999/", "no port"],
    ["urlprefix-:0", "no port"],
  ])("%s (%s)", (tag) => {
    expect(problemsOf(tag)).toHaveLength(1);
  });

  test("an option that is misspelled is told with what was meant", () => {
    expect(problemsOf("urlprefix-web.test/ stripp=/x")).toEqual([
      "has an option that Fabio does not know, `stripp`; did you mean `strip`?",
    ]);
  });

  test("two tags of one route", () => {
    expect(problemsOf("urlprefix-web.test:80/ strip=/x", "urlprefix-WEB.test:80/")).toEqual([
      "has the host and path of another tag; Fabio would take one of them",
    ]);
  });

  test("but a host with a port is another route", () => {
    const redirect = "urlprefix-web.test:80/ redirect=301,https://web.test$path";
    expect(problemsOf("urlprefix-web.test/", redirect)).toEqual([]);
    expect(problemsOf("urlprefix-web.test/", redirect, redirect)).toHaveLength(1);
  });

  test("what Nomad puts in later, but for what is harmless", () => {
    expect(problemsOf("urlprefix-web.test/", "at-${attr.unique.hostname}")).toHaveLength(1);
    expect(problemsOf("urlprefix-web.test/", "alloc-${NOMAD_ALLOC_ID}")).toEqual([]);
    expect(problemsOf("urlprefix-${NOMAD_ALLOC_ID}.test/")).toHaveLength(1);
  });
});

test("what Fabio understands is taken, as it was registered with a real one", () => {
  const tags = [
    "urlprefix-opt.test/strip strip=/strip",
    "urlprefix-opt.test/prep prepend=/added",
    "urlprefix-opt.test/hostdst host=dst",
    "urlprefix-opt.test/hostx host=backend.internal",
    "urlprefix-opt.test/redir redirect=301,https://new.test$path",
    "urlprefix-opt.test/redirfix redirect=302,https://new.test/fixed",
    "urlprefix-opt.test/deny deny=ip:127.0.0.0/8",
    "urlprefix-opt.test/allow allow=ip:10.0.0.0/8",
    "urlprefix-opt.test/allowok allow=ip:127.0.0.1,ip:::1",
    "urlprefix-opt.test/",
    "urlprefix-*.wild.test/",
    "urlprefix-noslash.test",
    "urlprefix-/",
    "urlprefix-:7000 proto=tcp",
    "urlprefix-web.test:8443/ weight=0.25 proto=https tlsskipverify=true",
    "plain-tag",
    "größer = schöner \\ 100 %",
  ];
  expect(problemsOf(...tags)).toEqual([]);
});

test("a service without a route may have any tags", () => {
  expect(checkTags({ name: "a b", tags: ['"', "\n", "weight=abc"] })).toEqual([]);
});

test("Fabio may look for tags that begin otherwise", () => {
  expect(checkTags({ name: "web", tags: ["urlprefix-"] }, "route-")).toEqual([]);
  expect(checkTags({ name: "web", tags: ["route-"] }, "route-")).toHaveLength(1);
});

describe("what is refused stops Fabio", () => {
  const stops = (tag: string): boolean[] =>
    checkTags({ name: "web", tags: ["urlprefix-web.test/", tag] }).map((one) => one.stopsFabio);

  test.each([
    "urlprefix-",
    "urlprefix-[bad.test/",
    "urlprefix-bad.test/{a",
    "urlprefix-bad.test/ weight=abc",
    "urlprefix-bad.test/ weight=Inf",
    "urlprefix-bad.test/ redirect=301,http://[/",
    "urlprefix-bad.test/ redirect=301,",
    'say "hi"',
  ])("%s", (tag) => {
    expect(stops(tag)).toEqual([true]);
  });

  test.each([
    " urlprefix-bad.test/",
    "urlprefix-bad.test/ ",
    "urlprefix-bad.test/ weight=1.5",
    "urlprefix-bad.test/ stripp=/x",
    "urlprefix-b\u00fccher.test/",
    "urlprefix-bad.test/ redirect=200,https://x.test/",
    "urlprefix-bad.test/ allow=10.0.0.1",
    "urlprefix-web.test/ strip=/x",
    "urlprefix-bad.test:99999/",
  ])("but not %s", (tag) => {
    expect(stops(tag)).toEqual([false]);
  });
});

test("the error has all that is wrong", () => {
  const tags = ["urlprefix-web.test/", "urlprefix-", 'a"b'];
  expect(() => requireSoundTags({ name: "web", tags })).toThrow(
    expect.objectContaining({
      code: "ROUTE_TAG_INVALID",
      subject: "web",
      reason: "the tag `urlprefix-` has neither host nor path",
      detail: "the tag `a\"b` has a quotation mark in it, which stops all of Fabio's routes from changing",
    }),
  );
  expect(() => requireSoundTags({ name: "web", tags: tags.slice(0, 1) })).not.toThrow();
});

/** Tags near those that are good, so that many are taken. */
const words = [
  "a b.test / * ** [ ] { } \\ ! ? $ ${DC} $path %41 \" ' ` , ; : :80 :443 :x # é \u2028 \0 \t \n - . ..",
  "weight= weight=0.5 weight=1 weight=nan weight=1e999 strip=/x proto=tcp proto=https host=dst",
  "redirect=301,https://n.test$path redirect=301,https://$host redirect=301, allow=ip:1.2.3.4 deny=ip:::/0",
];
const piece = fc.constantFrom(" ", ...words.flatMap((line) => line.split(" ")));
const tag = fc
  .tuple(
    fc.constantFrom("urlprefix-", "urlprefix-a.test/", "urlprefix-b.test/ ", ""),
    fc.array(piece, { maxLength: 4 }),
  )
  .map(([start, rest]) => start + rest.join(""));

test("whatever does not stop Fabio, its table has the routes of everybody", () => {
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 4 }), (tags) => {
      if (tags.some((one) => stopsFabio(one))) return;
      const lines = [...routeCommands("web", tags), ...routeCommands("other", ["urlprefix-other.test/"])];
      expect(tableOf(lines)).toContainEqual({ service: "other", host: "other.test", path: "/" });
    }),
    { numRuns: 20_000 },
  );
});

test("whatever is taken, Fabio's table has the routes of everybody", () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 4 }), (tags) => {
      if (checkTags({ name: "web", tags }).length > 0) return;
      taken++;
      const lines = [...routeCommands("web", tags), ...routeCommands("other", ["urlprefix-other.test/"])];
      expect(tableOf(lines)).toContainEqual({ service: "other", host: "other.test", path: "/" });
    }),
    { numRuns: 20_000 },
  );
  expect(taken).toBeGreaterThan(2000);
});
