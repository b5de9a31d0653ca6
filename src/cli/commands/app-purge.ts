import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

/** With `--json`, `{"purged": NAME}`. */
export function define(command: Command, context: Context): void {
  command.argument("<app>");
  withServer(command).action(async (name: string, options: CommonOptions) => {
    await (await context.client(options)).purge(name);
    if (options.json === true) return await context.printJson({ purged: name });
    await context.print(`${name}: files of earlier releases are not reachable any more`);
  });
}
