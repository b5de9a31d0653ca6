import { expect, test } from "vitest";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import { definitionHash, isOwnerKey, ownerMeta, readOwner } from "./job-owner.ts";

const definition = testDefinition("blog");
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
