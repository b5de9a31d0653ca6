import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { defaults, formatDuration, parseConfig } from "../src/config/index.ts";

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
  const schema = JSON.parse(readFileSync(join(root, "schema/steppe.schema.json"), "utf8")) as {
    properties: { apps: { additionalProperties: { properties: Record<string, unknown> } } };
  };

  test("has every key of an app", () => {
    const keys = Object.keys(schema.properties.apps.additionalProperties.properties);
    expect(keys.filter((key) => !rows.has(key))).toEqual([]);
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
  ])("names the default of %s", (key, value) => {
    expect(rows.get(key)).toBe(`\`${value}\``);
  });

  test("names the defaults of `timeout`", () => {
    expect(page).toMatch(new RegExp(`\`timeout\` +\\| \`${formatDuration(defaults.dockerfile.timeoutMs)}\``));
    expect(page).toMatch(new RegExp(`\`timeout\` +\\| \`${formatDuration(defaults.build.timeoutMs)}\``));
    expect(page).toMatch(new RegExp(`\`timeout\` +\\| \`${formatDuration(defaults.check.timeoutMs)}\``));
  });
});
