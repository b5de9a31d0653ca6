import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

/** With `--json`, the AppView. */
export function define(command: Command, context: Context): void {
  command.argument("<app>");
  withServer(command).action(async (name: string, options: CommonOptions) => {
    const app = await (await context.client(options)).resume(name);
    if (options.json === true) return await context.printJson(app);
    const last = app.lastDeployment;
    const isWaiting = last !== null && last.finishedAt === null && last.byItself;
    const next = isWaiting ? `; deployment ${last.id} goes on: \`steppe status ${name}\` tells of it` : "";
    await context.print(`${name} is not paused${next}`);
  });
}
