import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectTag, stripRelease, type TagCandidate } from "./select-tag.ts";
import { compareVersions, isInRange, tagVersion } from "./tag-version.ts";

interface Options {
  tags?: readonly string[];
  semver?: string | null;
  live?: string | null;
}

async function choose(candidates: TagCandidate[], { tags = ["*"], semver = null, live = null }: Options = {}) {
  const definition = { name: "blog", tags: [...tags], policy: { semver } };
  const choice = await selectTag(candidates, definition, { live, command: (tag) => `steppe deploy blog --tag ${tag}` });
  return { deploy: choice.deploy?.name, reasons: choice.passedOver.map(({ reason }) => reason) };
}

/** Tags that have just come, made one after the other. */
function tags(...names: string[]): TagCandidate[] {
  return names.map((name, index) => ({ name, createdAt: index, appeared: 0, changed: true }));
}

const seen = (tag: TagCandidate): TagCandidate => ({ ...tag, changed: false });

describe("by semver", () => {
  test("the highest in the range deploys, whatever came when, with or without `v`", async () => {
    const { deploy, reasons } = await choose(tags("v1.10.0", "1.9.0", "v2.0.0", "nightly", "v1.2"), { semver: "^1.2" });
    expect(deploy).toBe("v1.10.0");
    expect(reasons).toEqual([
      "1.9.0 is below v1.10.0, which is the highest version that deploys; `steppe deploy blog --tag 1.9.0` deploys it",
      "v2.0.0 is not in the versions that deploy (^1.2); `steppe deploy blog --tag v2.0.0` deploys it",
      "nightly is no version such as v1.2.0, and blog deploys ^1.2; `steppe deploy blog --tag nightly` deploys it",
      "v1.2 is no version such as v1.2.0, and blog deploys ^1.2; `steppe deploy blog --tag v1.2` deploys it",
    ]);
  });

  test("a prerelease deploys only where the range names one of its version", async () => {
    expect(await choose(tags("v1.3.0-rc.1"), { semver: "^1.2" })).toMatchObject({
      deploy: undefined,
      reasons: [expect.stringContaining("a prerelease deploys only where `semver` names one of its version")],
    });
    expect((await choose(tags("v1.3.0-rc.2", "v1.3.0-rc.10"), { semver: ">=1.3.0-rc.1" })).deploy).toBe("v1.3.0-rc.10");
  });

  test("nothing below what is live deploys, also when that tag is gone or out of the range", async () => {
    expect(await choose(tags("v1.4.0"), { semver: "^1.2", live: "v2.0.0" })).toEqual({
      deploy: undefined,
      reasons: ["v1.4.0 is below v2.0.0, which is live; `steppe deploy blog --tag v1.4.0` deploys it"],
    });
    expect((await choose(tags("v1.4.0"), { semver: "^1.2", live: "1.4.0" })).deploy).toBe("v1.4.0");
    expect((await choose(tags("v1.4.0"), { semver: "^1.2", live: "nightly" })).deploy).toBe("v1.4.0");
  });

  test("patterns hold as well", async () => {
    expect((await choose(tags("v1.2.0", "1.3.0"), { semver: "1.x", tags: ["v*"] })).deploy).toBe("v1.2.0");
  });
});

describe("by age", () => {
  test("the newest by creation deploys; if that is not known of all, the one that appeared last", async () => {
    expect((await choose(tags("v9", "v8"))).deploy).toBe("v8");
    const [first, last] = tags("v1", "v2");
    if (first === undefined || last === undefined) throw new Error("two tags");
    const appeared = [
      { ...first, appeared: 2 },
      { ...last, appeared: 1 },
    ];
    expect((await choose(appeared)).deploy).toBe("v2");
    expect((await choose(appeared.map((tag) => ({ ...tag, createdAt: null })))).deploy).toBe("v1");
  });

  test("`latest` never does, nor what an app without patterns has", async () => {
    expect((await choose(tags("v1", "latest"))).deploy).toBe("v1");
    expect(await choose(tags("v1"), { tags: [] })).toEqual({
      deploy: undefined,
      reasons: [
        "v1 does not match the tags that deploy (blog deploys none by itself); `steppe deploy blog --tag v1` deploys it",
      ],
    });
  });
});

test.each([
  ["release-v2", "v2"],
  ["release-", "release-"],
  ["release-release-1", "release-1"],
  ["v2-release-1", "v2-release-1"],
  ["v2", "v2"],
])("stripRelease: %s is %s", (tag, name) => {
  expect(stripRelease(tag)).toBe(name);
});

test.each([
  ["v1.2.3", "1.2.3"],
  ["1.2.3-rc.1+5", "1.2.3-rc.1+5"],
  ["vv1.2.3", undefined],
  ["=1.2.3", undefined],
  ["v1.2", undefined],
  ["v01.2.3", undefined],
  ["v1.2.3.4", undefined],
])("tagVersion: %s is %s", (tag, version) => {
  expect(tagVersion(tag)).toBe(version);
});

const version = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.constantFrom("", "-rc.1", "-rc.2"), fc.constantFrom("", "v"))
  .map(([major, minor, patch, pre, v]) => `${v}${major}.${minor}.${patch}${pre}`);
const name = fc.oneof(version, fc.constantFrom("latest", "nightly", "v1", "v2", "v10"));
const candidates = fc.uniqueArray(
  fc.record({ name, createdAt: fc.option(fc.nat(3)), appeared: fc.nat(3), changed: fc.boolean() }),
  { selector: (tag) => tag.name, maxLength: 8 },
);
const options = fc.record({
  semver: fc.constantFrom(null, "*", "^1.0", ">=1.0.0-rc.1 <3"),
  live: fc.option(name),
  tags: fc.constantFrom(["*"], ["v*"]),
});

describe("whatever tags there are", () => {
  test("the choice does not depend on their order, and each that changed is deployed or explained", async () => {
    await fc.assert(
      fc.asyncProperty(candidates, options, async (list, said) => {
        const one = await choose(list, said);
        expect((await choose(list.toReversed(), said)).deploy).toBe(one.deploy);
        const changed = list.filter((tag) => tag.changed).length;
        expect(one.reasons.length + (one.deploy === undefined ? 0 : 1)).toBe(changed);
      }),
    );
  });

  test("what was deployed is not chosen again, and nothing that was passed over is, when all were seen", async () => {
    await fc.assert(
      fc.asyncProperty(candidates, options, async (list, said) => {
        expect(await choose(list.map(seen), said)).toEqual({ deploy: undefined, reasons: [] });
      }),
    );
  });

  test("by semver it is in the range, not below what is live, and no other that may is above it", async () => {
    await fc.assert(
      fc.asyncProperty(candidates, options, async (list, said) => {
        const { semver, live } = said;
        const { deploy } = await choose(list, said);
        fc.pre(deploy !== undefined && semver !== null);
        const chosen = tagVersion(deploy) ?? "";
        expect(isInRange(chosen, semver)).toBe(true);
        const liveVersion = tagVersion(live ?? "");
        if (liveVersion !== undefined) expect(compareVersions(chosen, liveVersion)).toBeGreaterThanOrEqual(0);
        for (const other of list) {
          const rival = said.tags[0] === "*" || other.name.startsWith("v") ? tagVersion(other.name) : undefined;
          if (rival !== undefined && isInRange(rival, semver)) {
            expect(compareVersions(rival, chosen)).toBeLessThanOrEqual(0);
          }
        }
      }),
    );
  });
});
