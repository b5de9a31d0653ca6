import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { commands } from "../src/cli/command-table.ts";
import type { Context } from "../src/cli/context.ts";
import { errorCodes } from "../src/shared/errors.ts";
import { codeOf, pages } from "./support/pages.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

/** All that the program is written in, and its tests stand on. */
const program = [...globSync(["src/**/*.{ts,c,h}", "test/support/**/*.ts"], { cwd: root }), "bin/steppe"]
  .filter((path) => !path.endsWith(".test.ts"))
  .map(read)
  .join("\n");

/** What has options besides the command line; and one of `npm ci`. */
const RUNNERS = ["benchmarks/main.ts", "test/soak/main.ts", "scripts/build.ts"];
const OF_NPM = "--omit";

async function options(): Promise<Set<string>> {
  const found = new Set([OF_NPM, "--help", "--version", "--json", "--data"]);
  for (const { load } of commands) {
    const command = new Command();
    (await load()).define(command, {} as Context);
    for (const { long } of command.options) if (long !== undefined) found.add(long);
  }
  for (const [, flag] of read("src/site-server/native/options.c").matchAll(/^ {4}\{"([a-z-]+)"/gm))
    found.add(`--${flag}`);
  for (const [flag] of RUNNERS.map(read)
    .join("\n")
    .matchAll(/--[a-z][a-z-]*/g))
    found.add(flag);
  return found;
}

const isPath = (text: string): boolean =>
  /^(?:src|test|scripts|benchmarks|examples|schema|bin)\/[\w./-]*$|^docs\/(?:[\w./-]*\.md)?$/.test(text);

describe.each(pages)("what %s names is there", (page) => {
  const named = codeOf(page).filter(({ inBlock }) => !inBlock);

  test("options", async () => {
    const known = await options();
    const wrong = named.filter(({ text }) => {
      const [flag = ""] = /^--[a-z][a-z-]*/.exec(text) ?? [];
      return flag !== "" && !known.has(flag);
    });
    expect(wrong).toEqual([]);
  });

  test("codes of errors, and variables of the environment", () => {
    const wrong = named.filter(
      ({ text }) =>
        /^(?!NODE_)[A-Z][A-Z0-9]*(?:_[A-Za-z0-9]+)+$/.test(text) && !(text in errorCodes) && !program.includes(text),
    );
    expect(wrong).toEqual([]);
  });

  test("files of this repository", () => {
    expect(named.filter(({ text }) => isPath(text) && !existsSync(join(root, text)))).toEqual([]);
  });

  test("scripts of npm, and what they run", () => {
    const wrong = codeOf(page).filter(({ text }) =>
      [...text.matchAll(/npm (?:run )?([a-z:-]+)(?: -- ([a-z][a-z-]*)(?= |$))?/g)].some(([, script = "", name]) => {
        if (["ci", "install", "pack"].includes(script)) return false;
        if (scripts[script] === undefined) return true;
        const runner = { soak: "test/soak/main.ts", bench: "benchmarks/main.ts" }[script];
        return runner !== undefined && name !== undefined && !new RegExp(`^  "?${name}"?: `, "m").test(read(runner));
      }),
    );
    expect(wrong).toEqual([]);
  });
});
