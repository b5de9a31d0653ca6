import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { commands, groups } from "../src/cli/command-table.ts";
import type { Context } from "../src/cli/context.ts";
import { parseUpOptions } from "../src/config/index.ts";
import { errorCodes } from "../src/shared/errors.ts";
import { type Code, codeOf, pages } from "./support/pages.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a command line says after `steppe`: where it begins, and up to where a shell goes on. */
const CALL = /(?:^|&& |\| |\$\(|sudo |npx |bin\/|STEPPE_TOKEN=\S+ )steppe((?= [a-zA-Z…]| --version|$)[^|;&)<>#]*)/g;

/** How commander says that an argument, an option, or its value is missing. */
const MISSING: ReadonlySet<string> = new Set([
  "commander.missingArgument",
  "commander.missingMandatoryOptionValue",
  "commander.optionMissingArgument",
]);

/** Calls of the command line in a piece of code. */
function callsIn({ text }: Pick<Code, "text">): string[][] {
  return [...text.matchAll(CALL)].map(([, words = ""]) =>
    (words.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, "$2")),
  );
}

/**
 * What is wrong with a call, or undefined. A command that is only named, as in "`steppe approve` lets it go on", need not have its
 * arguments.
 */
async function wrongWith([first = "", second = "", ...rest]: readonly string[], isNamed: boolean) {
  if (["", "help", "--version", "COMMAND", "…"].includes(first)) return undefined;
  if (groups.has(first) && second === "") return undefined;
  const name = groups.has(first) ? `${first} ${second}` : first;
  const entry = commands.find((command) => command.name === name);
  if (entry === undefined) return `there is no command ${name}`;
  const args = (groups.has(first) ? rest : [second, ...rest]).filter((word) => word !== "");
  const command = new Command()
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {} });
  // Commands touch their context only when they run.
  (await entry.load()).define(command, {} as Context);
  try {
    if (args.includes("--help")) return undefined;
    if (name === "up") parseUpOptions(args, {}, "/");
    else await command.action(() => {}).parseAsync(args, { from: "user" });
    return undefined;
  } catch (error) {
    const isMissing = error instanceof CommanderError && MISSING.has(error.code);
    return isNamed && isMissing ? undefined : String(error);
  }
}

async function wrongCalls(codes: readonly Code[]): Promise<string[]> {
  const wrong = [];
  for (const code of codes) {
    for (const words of callsIn(code)) {
      const problem = await wrongWith(words, !code.inBlock);
      if (problem !== undefined) wrong.push(`${code.place}: steppe ${words.join(" ")}: ${problem}`);
    }
  }
  return wrong;
}

test("calls are found in what a shell would run, and mistakes in them", async () => {
  const text = 'sudo steppe status && git push "$(steppe app show blog --push-url)" v1 | steppe gc # steppe no';
  expect(callsIn({ text })).toEqual([["status"], ["app", "show", "blog", "--push-url"], ["gc"]]);
  expect(await wrongWith(["deploy", "blog", "--tga", "v1"], false)).toContain("unknown option '--tga'");
  expect(await wrongWith(["app", "show"], false)).toContain("missing required argument");
  expect(await wrongWith(["app", "show"], true)).toBeUndefined();
  expect(await wrongWith(["up", "--prot", "1"], false)).toContain("unknown option");
  expect(await wrongWith(["releases", "blog", "x"], false)).toContain("too many arguments");
});

describe("every command that a page shows can be given", () => {
  test.each(pages)("%s", async (page) => {
    expect(await wrongCalls(codeOf(page))).toEqual([]);
  });
});

test("and so can those that the table of errors hints at", async () => {
  const hints = Object.entries(errorCodes).flatMap(([place, { hint }]) =>
    [...hint.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => ({ text, place, inBlock: false })),
  );
  expect(await wrongCalls(hints)).toEqual([]);
});

test("and those in texts and comments of the program", async () => {
  const codes = globSync("src/**/*.ts", { cwd: root })
    .filter((path) => !path.endsWith(".test.ts"))
    .flatMap((path) =>
      [...readFileSync(join(root, path), "utf8").matchAll(/`(steppe [a-z][^`\\\n]*)\\?`/g)].map(([, text = ""]) => ({
        // What is filled in may be options, unless it is the value of one.
        text: text.replaceAll(/(--[a-z-]+ )?\$\{[^}]*\}/g, (_, option?: string) => (option ? `${option}X` : "")),
        place: path,
        inBlock: false,
      })),
    );
  expect(codes.length).toBeGreaterThan(50);
  expect(await wrongCalls(codes)).toEqual([]);
});

test("the examples of the help can be given", async () => {
  const examples = commands.flatMap(({ name, examples: lines }) =>
    lines.map((text) => ({ text, place: name, inBlock: true })),
  );
  expect(await wrongCalls(examples)).toEqual([]);
});
