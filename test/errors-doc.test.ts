import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { errorCodes } from "../src/shared/errors.ts";

const page = readFileSync(fileURLToPath(new URL("../docs/errors.md", import.meta.url)), "utf8");
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")).trim(), section.split(/^## /m)[0] ?? ""]),
);

test("docs/errors.md has exactly the codes of the table", () => {
  expect([...sections.keys()].sort()).toEqual(Object.keys(errorCodes).sort());
});

describe.each(Object.entries(errorCodes))("%s", (code, { status, exit }) => {
  test("is explained, with its status and exit code", () => {
    const section = sections.get(code) ?? "";
    expect(section).toContain(`\nStatus ${status}, exit code ${exit}.\n`);
    expect(section).toMatch(/^- \*\*Cause:\*\* \S/m);
    expect(section).toMatch(/^- \*\*What to do:\*\* \S/m);
    expect(section).toMatch(/exit code \d+\.\n\n[A-Z`][^\n]+\.\n/);
  });
});
