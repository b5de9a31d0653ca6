import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { fault } from "../../test/support/fault.ts";
import { addToConfig } from "./add-to-config.ts";
import { parseConfig } from "./parse-config.ts";

const blog = testDefinition("blog", { domains: ["blog.test"] });

test("a file that is not there yet has the one app", () => {
  const text = addToConfig("", blog, "steppe.yaml");
  expect(text).toBe("apps:\n  blog:\n    domain: blog.test\n");
  expect(parseConfig(text, "f").apps).toEqual([blog]);
});

test("all that a file has stays as it is, also comments and what they are about", () => {
  const before = [
    "# ours",
    "x-times: &times",
    "  poll: 1m",
    "apps:",
    "  shop: # sells",
    "    <<: *times",
    "    domain: shop.test",
    "",
  ].join("\n");
  const text = addToConfig(before, blog, "steppe.yaml");
  expect(text).toBe(`${before}  blog:\n    domain: blog.test\n`);
  expect(parseConfig(text, "f").apps.map(({ name }) => name)).toEqual(["shop", "blog"]);
});

test("apps in one line, or none, are made a block of", () => {
  expect(addToConfig("apps: {}\n", blog, "f")).toBe("apps:\n  blog:\n    domain: blog.test\n");
  const text = addToConfig("apps: { shop: { domain: shop.test } }\n", blog, "f");
  expect(parseConfig(text, "f").apps.map(({ name }) => name)).toEqual(["shop", "blog"]);
});

test("an app of that name, and a file that is not right, are refused", () => {
  expect(fault(() => addToConfig("apps:\n  blog:\n    domain: a.test\n", blog, "steppe.yaml"))).toMatchObject({
    code: "APP_EXISTS",
    reason: "steppe.yaml has an app of that name",
  });
  expect(fault(() => addToConfig("apps: 7", blog, "steppe.yaml")).code).toBe("CONFIG_INVALID");
});
