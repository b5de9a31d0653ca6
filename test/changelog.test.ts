import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatVersion, parseFragment } from "../scripts/changelog/fragments.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

test("the fragments that are there can be gathered", () => {
  const files = globSync(".changelog/*", { cwd: root });
  const unreadable = files.filter((file) => parseFragment(readFileSync(join(root, file), "utf8"), file).length === 0);
  expect(unreadable).toEqual([]);
});

test("a version has its fragments by kind", () => {
  const fragments = parseFragment("Fixed: a\nAdded: b\n\nFixed: c\n", "x.md");
  expect(formatVersion("1.2.3", "2026-01-02", fragments)).toBe(
    "## 1.2.3 (2026-01-02)\n\n### Added\n\n- b\n\n### Fixed\n\n- a\n- c\n",
  );
});

test("a fragment of no known kind is refused with its name", () => {
  expect(() => parseFragment("Improved: all\n", ".changelog/x.md")).toThrow(/^\.changelog\/x\.md: .*Improved: all$/);
  expect(() => parseFragment("\n", ".changelog/x.md")).toThrow(".changelog/x.md is empty");
});
