import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { defaults, formatDuration, parseConfig } from "../src/config/index.ts";
import { codeOf, pages } from "./support/pages.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Block {
  name: string;
  yaml: string;
}

/** The YAML that a page shows, each with its place. */
function yamlOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => ({
    name: `${page}:${text.slice(0, match.index).split("\n").length}`,
    yaml: match[1] ?? "",
  }));
}

/** A part of the JSON Schema. */
interface Field {
  description?: string;
  properties?: Record<string, Field>;
  anyOf?: Field[];
}

/** The keys of a field that is a mapping, or may be one. */
function fieldsOf({ properties, anyOf = [] }: Field): Record<string, Field> {
  return properties ?? anyOf.find((form) => form.properties !== undefined)?.properties ?? {};
}

const blocks = globSync("{README.md,docs/**/*.md}", { cwd: root }).flatMap(yamlOf);
const declarations = blocks.filter(({ yaml }) => /^apps:/m.test(yaml));

describe("what the pages show of steppe.yaml is valid", () => {
  test.each(declarations)("$name", async ({ yaml, name }) => {
    expect((await parseConfig(yaml, name)).apps.length).toBeGreaterThan(0);
  });
});

describe("the examples' steppe.yaml is valid", () => {
  test.each(globSync("examples/*/steppe.yaml", { cwd: root }))("%s", async (path) => {
    expect((await parseConfig(readFileSync(join(root, path), "utf8"), path)).apps).toHaveLength(1);
  });
});

describe("docs/steppe-yaml.md", () => {
  const page = readFileSync(join(root, "docs/steppe-yaml.md"), "utf8");
  /** The rows of its tables: key to default, as they are written. */
  const rows = new Map(
    [...page.matchAll(/^\| \[?`(\w+)`(?:\]\([^)]*\))? +\| (.*?) +\|/gm)].map((row) => [row[1], row[2]?.trim()]),
  );
  const section = (heading: string): string =>
    page.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const keysOf = (text: string): string[] => [...text.matchAll(/^\| \[?`(\w+)`/gm)].map(([, key = ""]) => key);
  const schema = JSON.parse(readFileSync(join(root, "schema/steppe.schema.json"), "utf8")) as {
    properties: { apps: { additionalProperties: Field } };
  };
  const app = fieldsOf(schema.properties.apps.additionalProperties);

  test("has every key of an app, and no others, in its order", () => {
    expect(keysOf(section("Keys of an app"))).toEqual(Object.keys(app));
  });

  const nested = Object.entries(app).filter(([, field]) => Object.keys(fieldsOf(field)).length > 0);

  test.each(nested)("has every key of %s, and no others", (key, field) => {
    expect(keysOf(section(key))).toEqual(Object.keys(fieldsOf(field)));
  });

  test("is what editors say: the schema describes every key", () => {
    const undescribed = (fields: Record<string, Field>, path: string): string[] =>
      Object.entries(fields).flatMap(([key, field]) => [
        ...(field.description === undefined ? [`${path}${key}`] : []),
        ...undescribed(fieldsOf(field), `${path}${key}.`),
      ]);
    expect(nested.map(([key]) => key)).toEqual([
      "build",
      "dockerfile",
      "image",
      "check",
      "run",
      "nomad",
      "compatible",
      "cacheControl",
    ]);
    expect(undescribed(app, "")).toEqual([]);
  });

  test("and all pages name keys that there are", () => {
    const named = pages.flatMap(codeOf).filter(({ text }) => {
      const [, outer = "", inner = ""] = /^(\w+)\.(\w+)$/.exec(text) ?? [];
      const field = app[outer];
      return field !== undefined && nested.some(([key]) => key === outer) && !(inner in fieldsOf(field));
    });
    expect(named).toEqual([]);
  });

  test.each([
    ["poll", formatDuration(defaults.pollMs)],
    ["tags", defaults.tags.join(", ")],
    ["folder", defaults.folder],
    ["redirectToHttps", String(defaults.redirectToHttps)],
    ["notFoundPage", defaults.notFoundPage],
    ["cleanUrls", String(defaults.cleanUrls)],
    ["changing", defaults.cacheControl.changing],
    ["hashed", defaults.cacheControl.hashed],
    ["grace", formatDuration(defaults.graceMs)],
    ["keepReleases", String(defaults.keepReleases)],
    ["dockerfile", "auto"],
    ["file", defaults.dockerfile.file],
    ["context", defaults.dockerfile.context],
    ["approve", String(defaults.policy.approve)],
    ["output", defaults.build.output],
    ["path", defaults.check.path],
    ["status", defaults.check.status.join("-")],
    ["driver", defaults.run.driver],
    ["count", String(defaults.run.count)],
    ["cpu", String(defaults.run.cpu)],
    ["memory", String(defaults.run.memory)],
    ["promote", defaults.run.promote],
    ["minHealthyTime", formatDuration(defaults.run.minHealthyMs)],
    ["healthyDeadline", formatDuration(defaults.run.healthyDeadlineMs)],
    ["shutdownDelay", formatDuration(defaults.run.shutdownDelayMs)],
  ])("names the default of %s", (key, value) => {
    expect(rows.get(key)).toBe(`\`${value}\``);
  });

  test("names the defaults of `timeout`", () => {
    expect(page).toMatch(new RegExp(`\`timeout\` +\\| \`${formatDuration(defaults.dockerfile.timeoutMs)}\``));
    expect(page).toMatch(new RegExp(`\`timeout\` +\\| \`${formatDuration(defaults.build.timeoutMs)}\``));
    expect(page).toMatch(new RegExp(`\`timeout\` +\\| \`${formatDuration(defaults.check.timeoutMs)}\``));
  });
});
