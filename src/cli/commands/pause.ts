import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  reason?: string;
}

/** With `--json`, the AppView. */
export function define(command: Command, context: Context): void {
  command.argument("<app>").option("--reason <text>", "why, for those who look");
  withServer(command).action(async (name: string, options: Options) => {
    const app = await (await context.client(options)).pause(name, options.reason);
    if (options.json === true) return await context.printJson(app);
    await context.print(
      `${name} is paused: new tags wait, until \`steppe resume ${name}\`. What you ask for, such as a rollback, goes live.`,
    );
  });
}
