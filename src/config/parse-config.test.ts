import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import { SteppeError } from "../shared/errors.ts";
import type { AppDefinition, DockerfileDefinition } from "./app-definition.ts";
import { defaults } from "./defaults.ts";
import { definitionFromOptions } from "./definition-from-options.ts";
import { diffDefinitions } from "./diff-definitions.ts";
import { anyNomad, anyRun, orOwnJob } from "./fakes.ts";
import { parseConfig } from "./parse-config.ts";
import { parseDefinition } from "./parse-definition.ts";
import { toYaml } from "./to-yaml.ts";

const blog = testDefinition("blog");

/** The code of the error that is thrown, if one is. */
function outcome(act: () => unknown): string {
  try {
    act();
    return "fine";
  } catch (error) {
    return error instanceof SteppeError ? error.code : String(error);
  }
}

const mistakes = (text: string): string[] => {
  const { reason, detail } = fault(() => parseConfig(text, "steppe.yaml"));
  return (detail ?? reason).split("\n");
};

describe("parseConfig", () => {
  test("fills in the defaults", () => {
    expect(parseConfig("apps: { blog: { domain: blog.localhost } }", "f")).toEqual({ apps: [blog] });
    expect(Object.isFrozen(defaults)).toBe(true);
  });

  test("reads everything", () => {
    const text = `
apps:
  shop:
    domains: [Shop.example.com, "*.shop.example.com"]
    repository: https://git.example.com/shop.git
    poll: 1m
    tags: [v*, release-*]
    branches: main
    folder: ./site/
    build:
      command: npm ci && npm run build
      output: dist
      env: { TZ: Europe/London }
      cache: [node_modules]
      timeout: 20m
    dockerfile: auto
    image: { repository: Registry.example.com:5000/team/shop, site: /usr/share/nginx//html/ }
    semver: ">=1.0  <3"
    approve: true
    windows: [ "mon-wed,thu,Sun 9:00-17:00 Europe/London", "daily 22:00-00:00 UTC" ]
    check: { path: /health, status: 200, contains: ok, timeout: 5s }
    redirectToHttps: true
    notFoundPage: errors/404.html
    cleanUrls: true
    fallback: ./app.html
    cacheControl: { changing: "no-store", hashed: "max-age=60" }
    grace: 0
    keepReleases: 3
`;
    expect(parseConfig(text, "f").apps).toEqual([
      {
        name: "shop",
        domains: ["shop.example.com", "*.shop.example.com"],
        repository: "https://git.example.com/shop.git",
        pollMs: 60_000,
        tags: ["v*", "release-*"],
        branches: ["main"],
        folder: "site",
        build: {
          command: "npm ci && npm run build",
          output: "dist",
          env: { TZ: "Europe/London" },
          cache: ["node_modules"],
          timeoutMs: 1_200_000,
        },
        dockerfile: blog.dockerfile,
        image: { repository: "registry.example.com:5000/team/shop", site: "/usr/share/nginx/html" },
        policy: {
          semver: ">=1.0 <3",
          approve: true,
          windows: ["Mon-Thu,Sun 09:00-17:00 Europe/London", "daily 22:00-24:00 UTC"],
        },
        check: { path: "/health", status: [200, 200], contains: "ok", timeoutMs: 5000 },
        run: blog.run,
        nomad: blog.nomad,
        job: null,
        compatible: null,
        redirectToHttps: true,
        notFoundPage: "errors/404.html",
        cleanUrls: true,
        fallback: "app.html",
        cacheControl: { changing: "no-store", hashed: "max-age=60" },
        graceMs: 0,
        keepReleases: 3,
      },
    ]);
  });

  test("tells every mistake with its place, in the order of the file", () => {
    const text = `apps:
  blog:
    domains:
      - blog.localhost:80
    tagz: v*
    poll: often
    build: { comand: x, output: /etc, env: { PORT: 80, 1X: a } }
    check: { status: 700 }
  Shop: {}
  news: { domain: news.test, keepReleases: "ten", build: 5, check: [], tags: [5] }
aps: {}
`;
    expect(mistakes(text)).toEqual([
      "steppe.yaml:4:9: apps.blog.domains[0] `blog.localhost:80` has a port; leave out `:80`",
      "steppe.yaml:5:5: apps.blog.tagz is not known; did you mean `tags`?",
      "steppe.yaml:6:11: apps.blog.poll is no duration; write `30s`, `5m`, `1h` or `1h30m`",
      "steppe.yaml:7:5: apps.blog.build.command is missing",
      "steppe.yaml:7:14: apps.blog.build.comand is not known; did you mean `command`?",
      "steppe.yaml:7:33: apps.blog.build.output is absolute; write it relative to the root of the repository",
      'steppe.yaml:7:52: apps.blog.build.env.PORT is the number 80 and should be a text; write "80", in quotes',
      "steppe.yaml:7:56: apps.blog.build.env.1X is no name of a variable: letters, digits and `_`, no digit first",
      "steppe.yaml:8:22: apps.blog.check.status is no HTTP status",
      "steppe.yaml:9:3: apps.Shop is no name of an app: lower-case letters, digits and hyphens, at most 63, no hyphen first or last",
      "steppe.yaml:9:3: apps.Shop has no `domain`; give it one, such as `domain: Shop.localhost`",
      'steppe.yaml:10:44: apps.news.keepReleases is the text "ten" and should be a number',
      "steppe.yaml:10:58: apps.news.build is the number 5 and should be a text or a map",
      "steppe.yaml:10:68: apps.news.check is a list and should be a map",
      'steppe.yaml:10:79: apps.news.tags[0] is the number 5 and should be a text; write "5", in quotes',
      "steppe.yaml:11:1: aps is not known; did you mean `apps`?",
    ]);
  });

  test("the cause is the first mistake and says how many more there are", () => {
    const error = fault(() => parseConfig("apps: {b: {domain: a.test, x: 1, y: 2}}", "s.yaml"));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.reason).toMatch(/^s\.yaml:1:28: apps\.b\.x is not known; known are .*\(and 1 more\)$/);
  });

  test("names both places of a domain that is there twice", () => {
    const text = `apps:
  a: { domain: Blog.test }
  b:
    domains: [b.test, blog.test, B.test]
`;
    expect(mistakes(text)).toEqual([
      "steppe.yaml:4:23: apps.b.domains[1] `blog.test` belongs to the app `a` already (apps.a.domain at steppe.yaml:2:16)",
      "steppe.yaml:4:34: apps.b.domains[2] `b.test` is there twice (apps.b.domains[0] at steppe.yaml:4:15)",
    ]);
  });

  test("follows anchors and merge keys, also to the place of a mistake", () => {
    const text = `x-common: &common
  redirectToHttps: true
  poll: 1x
apps:
  a: { <<: *common, domain: a.test }
`;
    expect(mistakes(text)).toEqual(["steppe.yaml:3:9: apps.a.poll is no duration; write `30s`, `5m`, `1h` or `1h30m`"]);
    expect(parseConfig(text.replace("1x", "1m"), "f").apps[0]).toMatchObject({ redirectToHttps: true, pollMs: 60_000 });
  });

  test.each([
    ["", /the file is empty and should be a map/],
    ["- a", /the file is a list and should be a map/],
    ["apps:", /steppe\.yaml:1:\d: apps is empty and should be a map/],
    ["apps: {", /steppe\.yaml:1:8: /],
    ["apps: {a: {domain: x.test}, a: {domain: y.test}}", /steppe\.yaml:1:29: Map keys must be unique/],
    ["apps: { __proto__: { domain: x.test } }", /__proto__ is no name of an app/],
    ["apps: { a: { domain: *no } }", /Unresolved alias/],
    [
      "apps: {a: {domain: x.test, domains: [y.test]}}",
      /is there beside `domains`.*apps\.a\.domains at steppe\.yaml:1:37/,
    ],
    ["apps: {a: null}", /apps\.a is empty and should be a map/],
  ])("refuses %j", (text, expected) => {
    expect(mistakes(text).join("\n")).toMatch(expected);
  });

  test("an alias bomb is refused", () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const alias = level === 0 ? "lol" : `*a${level - 1}`;
      return `x-${level}: &a${level} [${Array.from({ length: 9 }, () => alias).join(", ")}]`;
    });
    expect(mistakes([...levels, "apps: {}"].join("\n")).join()).toMatch(/alias/i);
  });

  test("a file of more than 4 MiB is refused unread", () => {
    expect(mistakes(`# ${"x".repeat(4 * 1024 * 1024)}`)).toEqual(["steppe.yaml: is larger than 4 MiB"]);
  });

  test("whatever the text, it is read or refused as CONFIG_INVALID", () => {
    const word = fc.constantFrom(
      "apps:",
      "\n",
      "  ",
      "    ",
      "blog:",
      "domain:",
      "- ",
      "&a",
      "*a",
      "{",
      "}",
      "'",
      ": ",
      "x",
      "!!t",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        expect(["fine", "CONFIG_INVALID"]).toContain(outcome(() => parseConfig(words.join(""), "f")));
      }),
      { numRuns: 1000 },
    );
  });

  test("an unknown key is refused wherever it is, at its place", () => {
    const key = fc.stringMatching(/^[a-z]{3,12}q$/);
    fc.assert(
      fc.property(key, fc.constantFrom("app", "build", "check"), fc.nat(5), (name, where, blank) => {
        const head = `apps:\n${"\n".repeat(blank)}  a:\n    domain: a.test\n    build:\n      command: x\n`;
        const inner = { app: `    ${name}: 1\n`, build: `      ${name}: 1\n`, check: `    check:\n      ${name}: 1\n` };
        const text = head + inner[where];
        const line = text.split("\n").findIndex((one) => one.includes(`${name}:`)) + 1;
        const column = where === "app" ? 5 : 7;
        const path = where === "app" ? name : `${where}.${name}`;
        expect(mistakes(text)[0]).toContain(`steppe.yaml:${line}:${column}: apps.a.${path} is not known`);
      }),
    );
  });
});

const domainName = fc.stringMatching(/^[a-z]{1,8}\.(test|localhost)$/);
const pathName = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}(\/[a-z]{1,5})?$/);
const pattern = fc.constantFrom("*", "v*", "v[0-9]*", "{a,b}", "true", "1.0", "null", "# no", "a: b");
const printable = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== "");

const fieldValue = fc.constantFrom("no-cache", "no-store", "public, max-age=60");

const dictionary = (key: RegExp) => fc.dictionary(fc.stringMatching(key), fc.string(), { maxKeys: 3 });
const secretSource = fc.constantFrom({ file: "/etc/steppe/npmrc" }, { env: "NPM_TOKEN" });

const dockerfile: fc.Arbitrary<DockerfileDefinition> = fc.record({
  auto: fc.constant(false),
  file: fc.oneof(fc.constantFrom("auto", "false", "Dockerfile"), pathName),
  context: fc.oneof(fc.constant("."), pathName),
  target: fc.constantFrom(null, "site", "0", "a.b-c"),
  args: dictionary(/^[A-Z_][A-Z0-9_]{0,8}$/),
  secrets: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/), secretSource, { maxKeys: 3 }),
  platform: fc.constantFrom(null, "linux/arm64", "linux/arm/v7"),
  timeoutMs: fc.integer({ min: 1000, max: 86_400_000 }),
});

/** Any app definition in its normal form. */
const anyDefinition: fc.Arbitrary<AppDefinition> = fc.record({
  name: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/),
  domains: fc.uniqueArray(domainName, { minLength: 1, maxLength: 4 }),
  repository: fc.constantFrom(null, "https://git.example.com/a.git", "git@host.example:a/b.git"),
  pollMs: fc.integer({ min: 1000, max: 604_800_000 }),
  tags: fc.array(pattern, { maxLength: 3 }),
  branches: fc.array(pattern, { maxLength: 3 }),
  folder: fc.oneof(fc.constant("."), pathName),
  build: fc.option(
    fc.record({
      command: printable,
      output: pathName,
      env: dictionary(/^[A-Z_][A-Z0-9_]{0,8}$/),
      cache: fc.array(pathName, { maxLength: 2 }),
      timeoutMs: fc.integer({ min: 1000, max: 86_400_000 }),
    }),
  ),
  dockerfile: fc.option(fc.oneof(fc.constant(blog.dockerfile), dockerfile)),
  image: fc.option(
    fc.record({
      repository: fc.constantFrom("docker.io/library/nginx", "registry.test:5000/team/a", "[::1]:5000/a"),
      site: fc.constantFrom(null, "/", "/www", "/usr/share/nginx/html"),
    }),
  ),
  policy: fc.record({
    semver: fc.constantFrom(null, "*", "^1.2", ">=1.0 <2 || 3.x"),
    approve: fc.boolean(),
    windows: fc.array(fc.constantFrom("Mon-Fri 09:00-17:00 Europe/London", "Sat,Sun 22:00-02:00 UTC"), {
      maxLength: 2,
    }),
  }),
  check: fc.record({
    path: fc.stringMatching(/^\/[a-z0-9/?=.-]{0,12}$/),
    status: fc.tuple(fc.integer({ min: 100, max: 399 }), fc.integer({ min: 400, max: 599 })),
    contains: fc.option(fc.string({ minLength: 1, maxLength: 20 })),
    timeoutMs: fc.integer({ min: 100, max: 600_000 }),
  }),
  run: anyRun,
  nomad: anyNomad,
  job: fc.constant(null),
  compatible: fc.constant(null),
  redirectToHttps: fc.boolean(),
  notFoundPage: pathName,
  cleanUrls: fc.boolean(),
  fallback: fc.option(pathName),
  cacheControl: fc.record({ changing: fieldValue, hashed: fieldValue }),
  graceMs: fc.integer({ min: 0, max: 2_592_000_000 }),
  keepReleases: fc.integer({ min: 1, max: 1000 }),
});

/** Only one of the two makes the image. */
const definition = anyDefinition
  .filter(({ build, dockerfile: own }) => build === null || own?.auto !== false)
  .chain(orOwnJob);

describe("the ways of a definition agree", () => {
  test("YAML, and back", () => {
    fc.assert(
      fc.property(definition, (app) => {
        const plain = structuredClone(app);
        expect(parseConfig(toYaml(plain), "f").apps).toEqual([plain]);
      }),
      { numRuns: 500 },
    );
  });

  test("JSON, and back", () => {
    fc.assert(
      fc.property(definition, (app) => {
        const plain: unknown = JSON.parse(JSON.stringify(app));
        expect(parseDefinition(plain)).toEqual(plain);
      }),
    );
  });

  test("a definition differs from itself in nothing, and from another in what differs", () => {
    fc.assert(
      fc.property(definition, definition, (one, other) => {
        expect(diffDefinitions(one, structuredClone(one))).toEqual([]);
        const same = JSON.stringify(parseDefinition(one)) === JSON.stringify(parseDefinition({ ...other }));
        expect(diffDefinitions(one, other).length === 0).toBe(same);
      }),
    );
  });

  test("options of the command line", () => {
    const app = definitionFromOptions("blog", { domain: ["blog.localhost"] });
    expect(app).toEqual(blog);
    const built = definitionFromOptions("blog", {
      domain: ["blog.localhost"],
      build: "hugo",
      output: "out",
      env: ["A=b=c"],
      keepReleases: "3",
      grace: "0",
      checkStatus: "200",
      dockerfile: false,
      image: "team/blog",
      semver: "1.x",
      window: ["daily 0:00-6:00 UTC"],
      approve: true,
    });
    expect(built.build).toMatchObject({ command: "hugo", output: "out", env: { A: "b=c" } });
    expect(built).toMatchObject({
      dockerfile: null,
      image: { repository: "docker.io/team/blog", site: null },
      policy: { semver: "1.x", approve: true, windows: ["daily 00:00-06:00 UTC"] },
    });
    expect(built).toMatchObject({ keepReleases: 3, graceMs: 0, check: { status: [200, 200] } });
  });
});

test("diffDefinitions says what was and what is, and no secrets", () => {
  const before: AppDefinition = { ...blog, repository: "https://me:secret@git.test/a.git" };
  const after: AppDefinition = {
    ...blog,
    domains: ["blog.example.com"],
    repository: "https://me:other@git.test/a.git",
    pollMs: 60_000,
    build: { command: "hugo", output: "public", env: { TOKEN: "hidden" }, cache: [], timeoutMs: 600_000 },
    dockerfile: null,
    image: { repository: "docker.io/team/blog", site: null },
    policy: { semver: "^1.2", approve: true, windows: ["Mon-Fri 09:00-17:00 Europe/London"] },
  };
  expect(diffDefinitions(before, after)).toEqual([
    "domains: blog.localhost → blog.example.com",
    "repository: https://me:…@git.test/a.git → https://me:…@git.test/a.git",
    "poll: 5m → 1m",
    'build.command: none → "hugo"',
    "build.output: none → public",
    "build.env: none → TOKEN",
    "build.timeout: none → 10m",
    "dockerfile: auto → none",
    "image.repository: none → docker.io/team/blog",
    "semver: none → ^1.2",
    "approve: false → true",
    "windows: none → Mon-Fri 09:00-17:00 Europe/London",
  ]);
});
