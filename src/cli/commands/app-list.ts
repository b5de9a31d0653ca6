import type { Command } from "commander";
import { appTable } from "../app-table.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

/** With `--json`, an array of AppView. */
export function define(command: Command, context: Context): void {
  withServer(command).action(async (options: CommonOptions) => {
    const apps = await (await context.client(options)).apps();
    if (options.json === true) return await context.printJson(apps);
    await context.print(appTable(apps, context));
  });
}
