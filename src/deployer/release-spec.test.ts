import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { ownTag } from "../config/index.ts";
import type { ReleaseRow } from "../store/index.ts";
import { fakeDigest } from "./fakes.ts";
import { releaseSpec } from "./release-spec.ts";

const image = { repository: "registry.test:5000/team/blog", site: null };
const digest = fakeDigest("v1");
const row: ReleaseRow = {
  app: "blog",
  number: 3,
  image: digest,
  definition: testDefinition("blog", { image }),
  ref: null,
  commit: null,
  reference: null,
  deployment: 7,
  createdAt: 1,
};
const tagOf = (change: Partial<ReleaseRow>): string | undefined => releaseSpec({ ...row, ...change }).taggedReference;

test("an image of a registry has the tag that it was asked for by, with what that stood for", () => {
  const reference = `registry.test:5000/team/blog:v1@${fakeDigest("index")}`;
  expect(releaseSpec({ ...row, reference })).toEqual({
    app: "blog",
    number: 3,
    image: digest,
    taggedReference: reference,
    tag: "v1",
    definition: row.definition,
  });
  expect(tagOf({ reference: `registry.test:5000/team/blog@${digest}` })).toBeUndefined();
});

test("what was made here has the one that it was pushed with", () => {
  expect(tagOf({ ref: "refs/tags/v1" })).toBe(`registry.test:5000/team/blog:release-v1@${digest}`);
  expect(tagOf({ ref: "refs/heads/main" })).toBe(`registry.test:5000/team/blog:${ownTag(digest)}@${digest}`);
  expect(tagOf({})).toBe(`registry.test:5000/team/blog:${ownTag(digest)}@${digest}`);
  expect(tagOf({ ref: "refs/tags/v1", definition: testDefinition("blog") })).toBeUndefined();
});

test.each([
  [{ ref: "refs/tags/v1" }, "v1"],
  [{ reference: `registry.test:5000/team/blog:release-v1@${digest}` }, "v1"],
  [{ ref: "refs/tags/v${1}" }, undefined],
  [{ ref: "refs/heads/main" }, undefined],
  [{ reference: `registry.test:5000/team/blog@${digest}` }, undefined],
  [{}, undefined],
])("the content of %j came from the tag %s", (change, tag) => {
  expect(releaseSpec({ ...row, ...change }).tag).toBe(tag);
});
