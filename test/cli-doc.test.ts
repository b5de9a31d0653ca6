import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { commands } from "../src/cli/command-table.ts";
import type { Context } from "../src/cli/context.ts";
import { errorCodes } from "../src/shared/errors.ts";

const page = readFileSync(fileURLToPath(new URL("../docs/cli.md", import.meta.url)), "utf8");
const sections = new Map(
  page
    .split(/^## steppe /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
);

test("docs/cli.md has exactly the commands that there are, in their order", () => {
  expect([...sections.keys()]).toEqual(commands.map(({ name }) => name));
});

describe.each(commands)("$name", ({ name, load }) => {
  test("has its options, and no others, in its section", async () => {
    const command = new Command();
    // Commands touch their context only when they run.
    (await load()).define(command, {} as Context);
    const common = name === "up" ? [] : ["--json", "--data"];
    const options = command.options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
    const documented = [...(sections.get(name) ?? "").matchAll(/^\| (`-[^|]*) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`(--?[a-z-]+)/g)].map(([, flag]) => flag),
    );
    expect(new Set(documented)).toEqual(new Set(options.filter((flag) => !common.includes(flag))));
  });
});

test("docs/cli.md has every exit code", () => {
  const codes = new Set(Object.values(errorCodes).map(({ exit }) => exit));
  const documented = [...page.matchAll(/^\| `(\d+)` +\|/gm)].map(([, code]) => Number(code));
  expect([...codes].filter((code) => !documented.includes(code))).toEqual([]);
});
