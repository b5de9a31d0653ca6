import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { parseConfig } from "./parse-config.ts";
import { toYaml } from "./to-yaml.ts";

test("a name that is a merge key elsewhere is one like any other", () => {
  const { nomad } = testDefinition("blog");
  const plain = testDefinition("blog", { nomad: { ...nomad, task: { Config: { "<<": { a: 1 } } } } });
  expect(parseConfig(toYaml(plain), "f").apps).toEqual([plain]);
});
