import { describe, expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { testDefinition, testRun } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "./app-definition.ts";
import { diffDefinitions } from "./diff-definitions.ts";
import { parseConfig } from "./parse-config.ts";
import { parseDefinition } from "./parse-definition.ts";

const read = (fields: string): AppDefinition | undefined =>
  parseConfig(`apps: {b: {domain: b.test, ${fields}}}`, "steppe.yaml").apps[0];
const mistakes = (fields: string): string => {
  const { reason, detail } = fault(() => read(fields));
  return detail ?? reason;
};

const usual = {
  job: "b",
  key: "configs/team/blog/IMAGE_TAG",
  service: null,
  webhook: null,
  minHealthyMs: 5000,
  healthyDeadlineMs: 300_000,
};
const keyed = testDefinition("b", { image: { repository: "docker.io/team/blog", site: null }, compatible: usual });

test("the job is named after the app, and the key after the image's repository", () => {
  expect(read("image: team/blog, compatible: {}")?.compatible).toEqual(usual);
  expect(read("image: registry.test:5000/team/blog, compatible: {}")?.compatible).toEqual(usual);
  expect(read("image: team/blog")?.compatible).toBeNull();
});

test("all that can be said of it", () => {
  const text = "{ job: web, key: configs/blog, service: www, webhook: /blog, minHealthyTime: 0, healthyDeadline: 90s }";
  expect(read(`image: team/blog, compatible: ${text}`)?.compatible).toEqual({
    job: "web",
    key: "configs/blog",
    service: "www",
    webhook: "/blog",
    minHealthyMs: 0,
    healthyDeadlineMs: 90_000,
  });
});

test("no two apps write one key, whether they say its name or not", () => {
  const one = "a: {domain: a.test, image: team/blog, compatible: {}}";
  const other = "b: {domain: b.test, image: x/y, compatible: {key: configs/team/blog/IMAGE_TAG}}";
  const { reason } = fault(() => parseConfig(`apps: {${one}, ${other}}`, "steppe.yaml"));
  expect(reason).toBe(
    "steppe.yaml:1:95: apps.b.compatible writes the key `configs/team/blog/IMAGE_TAG`, which the app `a` writes already; " +
      "give one of them another `key` (apps.a.compatible at steppe.yaml:1:58)",
  );
});

describe("mistakes are told with their place", () => {
  test.each([
    ["compatible: {}", /apps\.b\.compatible is there without `image`: whose tags are they/],
    ["image: a/b, compatible: {}, run: { count: 2 }", /apps\.b\.run is there beside `compatible`/],
    ["image: a/b, compatible: {}, nomad: { job: {} }", /apps\.b\.nomad is there beside `compatible`/],
    ["image: a/b, compatible: {}, job: x.hcl", /apps\.b\.job is there beside `compatible`/],
    ["image: a/b, compatible: { kye: x }", /apps\.b\.compatible\.kye is not known; did you mean `key`\?/],
    ["image: a/b, compatible: { key: /configs/x }", /compatible\.key has a part that is empty, `\.` or `\.\.`/],
    ["image: a/b, compatible: { key: configs/../x }", /compatible\.key has a part that is empty/],
    ["image: a/b, compatible: { key: 'a b' }", /compatible\.key has a space/],
    ["image: a/b, compatible: { webhook: blog }", /compatible\.webhook is no path such as `\/blog`/],
    ["image: a/b, compatible: { webhook: / }", /compatible\.webhook is no path/],
    ["image: a/b, compatible: { webhook: /hooks/blog }", /compatible\.webhook is below `\/hooks`/],
    ["image: a/b, compatible: { job: '' }", /compatible\.job is empty/],
    [
      "image: a/b, compatible: { minHealthyTime: 5m }",
      /compatible\.healthyDeadline is no longer than `minHealthyTime`/,
    ],
  ])("%s", (fields, expected) => {
    expect(mistakes(fields)).toMatch(expected);
  });

  test.each([
    [{ image: null }, "compatible is there without `image`: whose tags are they?"],
    [{ run: { ...testRun, count: 2 } }, /^run is there beside `compatible`/],
    [{ job: 'job "b" {}' }, /^job is there beside `compatible`/],
    [{ compatible: { ...usual, minHealthyMs: 300_000 } }, /^compatible\.healthyDeadlineMs is no longer/],
  ])("so it is in a definition: %j", (change, reason) => {
    expect(parseDefinition(keyed)).toEqual(keyed);
    expect(fault(() => parseDefinition({ ...keyed, ...change })).reason).toMatch(reason);
  });
});

test("what changed of it is told", () => {
  expect(diffDefinitions({ ...keyed, compatible: null }, keyed)).toEqual([
    "compatible.job: none → b",
    "compatible.key: none → configs/team/blog/IMAGE_TAG",
    "compatible.minHealthyTime: none → 5s",
    "compatible.healthyDeadline: none → 5m",
  ]);
});
