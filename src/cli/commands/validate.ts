import type { Command } from "commander";
import { withJson } from "../common-options.ts";
import type { Context } from "../context.ts";
import { count } from "../human.ts";
import { readConfigFile } from "../read-config-file.ts";

interface Options {
  file: string;
  json?: boolean;
}

/** Prints the definitions as JSON, defaults filled in, with `--json`. */
export function define(command: Command, context: Context): void {
  withJson(command.option("-f, --file <file>", "the file; `-` is standard input", "steppe.yaml"));
  command.action(async ({ file, json }: Options) => {
    const { apps } = await readConfigFile(context.io, file);
    if (json === true) return await context.printJson({ file, apps });
    const names = apps.map(({ name }) => name).join(", ");
    await context.print(`${file} is right: ${count(apps.length, "app")}${names === "" ? "" : ` (${names})`}`);
  });
}
