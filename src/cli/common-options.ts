import type { Command } from "commander";
import { usageError } from "./usage-error.ts";

/** The options of each command that asks a server. */
export interface CommonOptions {
  json?: boolean;
  data?: string;
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option("--json", "print JSON for programs");
}

/** Adds `--data` and `--json`: the options of each command that asks a server. */
export function withServer(command: Command): Command {
  return withJson(command.option("--data <dir>", "the data folder of the server, if it runs on this machine"));
}

/** Reads a whole number of an option or argument. Throws USAGE. */
export function wholeNumber(text: string, what: string, subject: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw usageError(subject, `${what} ${JSON.stringify(text)} is no whole number`);
}

/** Gathers an option that may be given several times; commas separate, too. */
export function gatherList(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(",").map((item) => item.trim())];
}

/** Gathers an option that may be given several times, as it is. */
export function gather(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
