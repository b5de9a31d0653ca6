import { describe, expect, test } from "vitest";
import { testDefinition, testDockerfile, testRun } from "../../../../test/support/test-definition.ts";
import { definitionHash, isOwnerKey, ownerMeta, readOwner } from "./job-owner.ts";

const definition = testDefinition("blog");
/** Every field that may be null or empty says something. */
const whole = testDefinition("shop", {
  repository: "https://git.test/shop.git",
  branches: ["main"],
  build: { command: "make", output: "out", env: { A: "1" }, cache: ["node_modules"], timeoutMs: 60_000 },
  dockerfile: { ...testDockerfile, target: "site", args: { B: "2" }, secrets: { key: { env: "KEY" } } },
  image: { repository: "registry.test/shop", site: "/srv" },
  policy: { semver: "^1", approve: true, windows: ["Mon-Fri 09:00-17:00 UTC"] },
  check: { path: "/up", status: [200, 200], contains: "ok", timeoutMs: 1000 },
  run: { ...testRun, command: "/app", args: ["-v"], port: 80, env: { C: "3" }, memoryMax: 256, metrics: "/metrics" },
  nomad: { job: { Priority: 70 }, group: {}, task: { KillTimeout: 1 }, service: {} },
  job: 'job "shop" {}',
  compatible: { job: "s", key: "k", service: "s", webhook: "/s", minHealthyMs: 1, healthyDeadlineMs: 2 },
  fallback: "index.html",
});
const release = { app: "blog", number: 7, image: `sha256:${"a".repeat(64)}`, definition };

test("whose a job is can be read of its meta", () => {
  const meta = { ...ownerMeta(release, 3), team: "web" };
  expect(readOwner(meta)).toEqual({
    app: "blog",
    release: 7,
    image: release.image,
    definition: definitionHash(definition),
  });
  expect(Object.keys(meta).filter((key) => !isOwnerKey(key))).toEqual(["team"]);
});

test("the meta says the release's tag, which does not make it another's", () => {
  const meta = ownerMeta({ ...release, tag: "v2" }, 0);
  expect(meta["steppe_tag"]).toBe("v2");
  expect(isOwnerKey("steppe_tag")).toBe(true);
  expect(readOwner(meta)).toEqual(readOwner(ownerMeta(release, 0)));
});

test.each([
  {},
  { steppe_app: "blog" },
  { ...ownerMeta(release, 0), steppe_release: "07" },
  { ...ownerMeta(release, 0), steppe_release: "" },
])("%j is nobody's that Steppe knows", (meta) => {
  expect(readOwner(meta)).toBeUndefined();
});

test("a definition has the same hash whatever the order of its fields, and another if it says something else", () => {
  const turned = Object.fromEntries(Object.entries(definition).reverse()) as unknown as typeof definition;
  expect(definitionHash(turned)).toBe(definitionHash(definition));
  expect(definitionHash({ ...definition, cleanUrls: true })).not.toBe(definitionHash(definition));
  expect(definitionHash({ ...definition, domains: ["a.test", "b.test"] })).not.toBe(
    definitionHash({ ...definition, domains: ["b.test", "a.test"] }),
  );
});

describe("a definition keeps its hash when Steppe is upgraded: the jobs that run have it in their meta", () => {
  // If this fails since definitions have a field more, that belongs into `ADDED`, with what it is where nobody says anything. Never change the hashes.
  test.each([
    ["that says nothing", definition, "62fa1f220f71df229ad9b0736e709982"],
    ["that says what it can", whole, "587724cfa6883f2a88b9d8d43b965a17"],
  ])("one %s", (_, one, hash) => {
    expect(definitionHash(one)).toBe(hash);
  });

  test("whatever it can say since, as long as it does not", () => {
    const added = new Map<string, unknown>([
      ["mirrors", []],
      ["run.priority", 50],
    ]);
    const later = (mirrors: string[], priority: number): string => {
      const one = { ...definition, mirrors, run: { ...definition.run, priority } };
      return definitionHash(one, added);
    };
    expect(later([], 50)).toBe(definitionHash(definition));
    const others = [later(["a"], 50), later([], 51), definitionHash(definition)];
    expect(new Set(others).size).toBe(3);
  });
});
