import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { jsonSchemaText } from "./json-schema.ts";
import { parseConfig } from "./parse-config.ts";

const text = readFileSync(new URL("../../schema/steppe.schema.json", import.meta.url), "utf8");
const schema: object = JSON.parse(text) as object;

test("schema/steppe.schema.json is what the schema says (node scripts/schema.ts writes it)", () => {
  expect(text).toBe(jsonSchemaText());
});

describe("the JSON Schema", () => {
  const validate = new Ajv({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true }).compile(
    schema,
  );

  test.each([
    "apps: {}",
    "apps: { blog: { domain: blog.localhost } }",
    "apps: { blog: { domains: [a.test, '*.a.test'], tags: v*, branches: [main], build: hugo, grace: 0 } }",
    "apps: { blog: { domain: a.test, build: { command: x, env: { TZ: UTC }, timeout: 1h30m }, check: { status: 200-299 } } }",
    "x-common: &c { poll: 1m }\napps: { blog: { domain: a.test, poll: 5m, check: { status: 200 } } }",
  ])("takes %s", (yaml) => {
    validate(parse(yaml));
    expect(validate.errors).toBe(null);
  });

  test.each([
    "{}",
    "apps: { Blog: { domain: a.test } }",
    "apps: { blog: {} }",
    "apps: { blog: { domain: a.test, domains: [b.test] } }",
    "apps: { blog: { domain: a.test, tagz: v } }",
    "apps: { blog: { domain: a.test, poll: 5 } }",
    "apps: { blog: { domain: a.test, build: { env: {} } } }",
    "apps: { blog: { domain: a.test, check: { status: 99 } } }",
  ])("refuses %s", (yaml) => {
    expect(validate(parse(yaml))).toBe(false);
  });

  test("takes every example of docs/steppe-yaml.md, and so does parseConfig", () => {
    const documentation = readFileSync(new URL("../../docs/steppe-yaml.md", import.meta.url), "utf8");
    const examples = [...documentation.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, example]) => example ?? "");
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      validate(parse(example, { merge: true }));
      expect(validate.errors).toBe(null);
      expect(parseConfig(example, "steppe.yaml").apps.length).toBeGreaterThan(0);
    }
  });

  test("every field has a description", () => {
    const apps = JSON.parse(text) as { properties: { apps: { additionalProperties: { properties: object } } } };
    const fields = Object.entries(apps.properties.apps.additionalProperties.properties);
    expect(fields.filter(([, field]) => !("description" in field))).toEqual([]);
  });
});
