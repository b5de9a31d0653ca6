import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  yes?: boolean;
}

/** With `--json`, `{"removed": NAME}`. */
export function define(command: Command, context: Context): void {
  command.argument("<app>").option("-y, --yes", "do not ask");
  withServer(command).action(async (name: string, options: Options) => {
    const client = await context.client(options);
    await client.app(name); // that it exists, before anybody is asked
    await context.confirm(
      `Remove ${name}, with its repository, releases and logs?`,
      `steppe app remove ${name}`,
      options.yes,
    );
    await client.removeApp(name);
    if (options.json === true) return await context.printJson({ removed: name });
    await context.print(`${name} is removed`);
  });
}
