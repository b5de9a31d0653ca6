import { expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import { parseConfig } from "./parse-config.ts";

const blog = testDefinition("blog");

const mistakes = (text: string): string[] => {
  const { reason, detail } = fault(() => parseConfig(text, "steppe.yaml"));
  return (detail ?? reason).split("\n");
};

test("a build may be only its command", () => {
  const [app] = parseConfig("apps: {b: {domain: b.test, build: hugo}}", "f").apps;
  expect(app?.build).toEqual({ command: "hugo", output: "public", env: {}, cache: [], timeoutMs: 600_000 });
});

test("a Dockerfile may be only its path, or none, or all that can be said of it", () => {
  const dockerfile = (value: string) =>
    parseConfig(`apps: {b: {domain: b.test, dockerfile: ${value}}}`, "f").apps[0]?.dockerfile;
  expect(dockerfile("false")).toBe(null);
  expect(dockerfile("./docker/Dockerfile")).toEqual({ ...blog.dockerfile, auto: false, file: "docker/Dockerfile" });
  expect(dockerfile("./auto")).toMatchObject({ auto: false, file: "auto" });
  const secrets = "{ npmrc: { file: /etc/steppe/npmrc }, key: { env: KEY } }";
  const all = `{ file: D, context: web, target: site, args: { A: "1" }, secrets: ${secrets}, platform: linux/arm64, timeout: 1h }`;
  expect(dockerfile(all)).toEqual({
    auto: false,
    file: "D",
    context: "web",
    target: "site",
    args: { A: "1" },
    secrets: { npmrc: { file: "/etc/steppe/npmrc" }, key: { env: "KEY" } },
    platform: "linux/arm64",
    timeoutMs: 3_600_000,
  });
});

test.each([
  ["dockerfile: 5", "6: apps.b.dockerfile is the number 5 and should be auto or false or a text or a map"],
  ["dockerfile: ../D", "6: apps.b.dockerfile leads out of the repository (`..`)"],
  ["dockerfile: { fil: D }", "8: apps.b.dockerfile.fil is not known; did you mean `file`?"],
  ["dockerfile: { args: { 1a: x } }", /dockerfile\.args\.1a is no name of a variable/],
  ["dockerfile: { args: { A: 1 } }", /dockerfile\.args\.A is the number 1 and should be a text; write "1", in quotes/],
  ["dockerfile: { secrets: { a: hunter2 } }", /dockerfile\.secrets\.a is a text and should be a map$/],
  ["dockerfile: { secrets: { a: {} } }", /dockerfile\.secrets\.a wants one of the two: /],
  ["dockerfile: { secrets: { a: { file: /x, env: Y } } }", /dockerfile\.secrets\.a wants one of the two: /],
  ["dockerfile: { secrets: { a: { flie: /x } } }", /secrets\.a\.flie is not known; did you mean `file`\?/],
  ["dockerfile: { secrets: { a: { file: x } } }", /secrets\.a\.file is not absolute; it is a file of the server/],
  ["dockerfile: { secrets: { a: { file: '/a,src=/etc/shadow' } } }", /secrets\.a\.file has a comma/],
  ["dockerfile: { secrets: { '-a': { file: /x } } }", /is no id of a secret/],
  ["dockerfile: { target: --push }", /dockerfile\.target is no name of a stage/],
  ["dockerfile: { platform: arm }", /dockerfile\.platform is no platform; write `linux\/amd64`/],
  ["dockerfile: D, build: x", /dockerfile is there beside `build`.*\(apps\.b\.build at /],
  ["image: https://registry.test/a", /apps\.b\.image has a scheme; leave out `https:\/\/`/],
  ["image: 'registry.test/a:v1'", /apps\.b\.image has a tag; leave out `:v1`: `tags` and `semver` say what deploys/],
  ["image: 'registry.test:5000/a:v1'", /image has a tag/],
  [`image: 'registry.test/a@sha256:${"a".repeat(64)}'`, /apps\.b\.image has a digest/],
  [
    "image: registry.test/A",
    /apps\.b\.image is no repository of images: the part "A" of its repository has upper-case/,
  ],
  ["image: { repository: a/b, site: www }", /apps\.b\.image\.site does not begin with `\/`/],
  ["image: { repository: a/b, site: /../www }", /apps\.b\.image\.site has `\.\.` in it/],
  ["semver: latest", /apps\.b\.semver is no range of versions; write `\^1\.2`/],
  ["semver: 1", /semver is the number 1 and should be a text; write "1", in quotes/],
  ["approve: yes", 'apps.b.approve is the text "yes" and should be true or false'],
  ["windows: 09:00-17:00", /apps\.b\.windows\[0\] is no window|has the day/],
])("%s is a mistake", (field, expected) => {
  const told = mistakes(`apps: {b: {domain: b.test, ${field}}}`).join("\n");
  if (typeof expected === "string") expect(told).toContain(expected.replace(/^\d+: /, ""));
  else expect(told).toMatch(expected);
});
