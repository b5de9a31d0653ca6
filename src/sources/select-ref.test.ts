import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRefs } from "./ref-changes.ts";
import type { Ref } from "./refs.ts";
import { selectRef } from "./select-ref.ts";

const POLICY = { name: "blog", tags: ["*"], branches: [] as string[], policy: { semver: null as string | null } };

function tag(name: string, createdAt: number, oid = name): Ref {
  return { name: `refs/tags/${name}`, oid, commit: `commit-${oid}`, createdAt };
}

function branch(name: string, createdAt: number): Ref {
  return { name: `refs/heads/${name}`, oid: `${name}${createdAt}`, commit: `commit-${name}${createdAt}`, createdAt };
}

function seen(...refs: Ref[]): Map<string, string> {
  return new Map(refs.map((ref) => [ref.name, ref.oid]));
}

async function choose(
  current: Ref[],
  before: Ref[] = [],
  policy: Partial<typeof POLICY> & { live?: string | null } = {},
) {
  const { live = null, ...rest } = policy;
  const choice = await selectRef(compareRefs(current, seen(...before)), { ...POLICY, ...rest }, live);
  return {
    deploy: choice.deploy?.ref.name,
    movedFrom: choice.deploy?.movedFrom,
    reasons: choice.passedOver.map((one) => one.reason),
  };
}

describe("which ref is deployed", () => {
  it("is the newest by creation, not by name, and the others are told why", async () => {
    expect(await choose([tag("v9", 2), tag("v10", 1)])).toEqual({
      deploy: "refs/tags/v9",
      movedFrom: undefined,
      reasons: ["v10 is older than v9, which is the newest tag; `steppe deploy blog --tag v10` deploys it"],
    });
  });

  it("is none if a newer tag was seen before", async () => {
    const newer = tag("v1.2", 5);
    const { deploy, reasons } = await choose([newer, tag("v0.9", 1)], [newer]);
    expect(deploy).toBeUndefined();
    expect(reasons).toEqual([
      "v0.9 is older than v1.2, which is the newest tag; `steppe deploy blog --tag v0.9` deploys it",
    ]);
  });

  it("is never `latest`, nor what does not match", async () => {
    const { deploy, reasons } = await choose([tag("latest", 9), tag("test-1", 8), tag("v1", 1)], [], { tags: ["v*"] });
    expect(deploy).toBe("refs/tags/v1");
    expect(reasons).toHaveLength(2);
  });

  it("is not held back by a newer tag that does not match", async () => {
    const other = tag("docs-1", 9);
    expect((await choose([other, tag("v1", 1)], [other], { tags: ["v*"] })).deploy).toBe("refs/tags/v1");
  });

  it("is a moved tag, named as such", async () => {
    expect(await choose([tag("v1", 5, "new")], [tag("v1", 1, "old")])).toMatchObject({
      deploy: "refs/tags/v1",
      movedFrom: "old",
    });
  });

  it("is, of those made in one second, the one that came later, and then the later by name", async () => {
    const old = tag("v9", 3);
    expect((await choose([old, tag("v1", 3)], [old])).deploy).toBe("refs/tags/v1");
    expect((await choose([tag("v9", 3), tag("v10", 3)])).deploy).toBe("refs/tags/v10");
  });

  it("is a branch only on request, whenever it moves, even back", async () => {
    expect(await choose([branch("main", 3)])).toMatchObject({ deploy: undefined });
    const before = branch("main", 9);
    const options = { branches: ["main"] };
    expect((await choose([branch("main", 3), tag("v1", 7)], [before, tag("v1", 7)], options)).deploy).toBe(
      "refs/heads/main",
    );
    expect(await choose([before], [before], options)).toEqual({ deploy: undefined, movedFrom: undefined, reasons: [] });
  });

  it("is a tag rather than a branch of the same commit", async () => {
    expect((await choose([branch("main", 3), tag("v1", 3)], [], { branches: ["*"] })).deploy).toBe("refs/tags/v1");
  });

  it("is by `semver` the highest version, and never one below what is live", async () => {
    const policy = { semver: "^1.0" };
    const refs = [tag("v1.2.0", 1), tag("v1.1.0", 9), tag("v2.0.0", 9), branch("main", 0)];
    expect((await choose(refs, [], { policy, branches: ["main"] })).deploy).toBe("refs/tags/v1.2.0");
    const { deploy, reasons } = await choose([tag("v1.2.0", 1)], [], { policy, live: "v1.3.0" });
    expect(deploy).toBeUndefined();
    expect(reasons).toEqual(["v1.2.0 is below v1.3.0, which is live; `steppe deploy blog --tag v1.2.0` deploys it"]);
  });

  it("is nothing that leads to no commit", async () => {
    expect((await choose([{ ...tag("v1", 3), commit: null }])).reasons).toEqual(["v1 does not lead to a commit"]);
  });

  it("does not depend on the order, and every change is deployed or explained", async () => {
    const names = fc.uniqueArray(fc.constantFrom("v1", "v2", "v10", "latest", "x"), { minLength: 1 });
    const arbitrary = names.chain((chosen) =>
      fc.tuple(
        ...chosen.map((name) =>
          fc
            .record({ time: fc.nat({ max: 3 }), known: fc.constantFrom("no", "same", "moved") })
            .map((one) => ({ name, ...one })),
        ),
      ),
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async (list) => {
        const current = list.map(({ name, time }) => tag(name, time));
        const before = list.flatMap(({ name, time, known }) =>
          known === "no" ? [] : [tag(name, time, known === "moved" ? "old" : name)],
        );
        const options = { tags: ["v*", "latest"] };
        const one = await choose(current, before, options);
        expect((await choose(current.toReversed(), before, options)).deploy).toBe(one.deploy);
        const changed = list.filter(({ known }) => known !== "same").length;
        expect(one.reasons.length + (one.deploy === undefined ? 0 : 1)).toBe(changed);
        const newest = Math.max(...list.filter(({ name }) => name.startsWith("v")).map(({ time }) => time));
        if (one.deploy !== undefined) expect(current.find((ref) => ref.name === one.deploy)?.createdAt).toBe(newest);
      }),
    );
  });
});

it("what is gone is told", () => {
  expect(compareRefs([], seen(tag("v1", 1))).deleted).toEqual(["refs/tags/v1"]);
});
