import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  yes?: boolean;
}

/** With `--json`, `{"removed": NAME}`. */
export function define(command: Command, context: Context): void {
  command.argument("<name>").option("-y, --yes", "do not ask");
  withServer(command).action(async (name: string, options: Options) => {
    const client = await context.client(options);
    await client.webhook(name); // that it exists, before anybody is asked
    await context.confirm(
      `Remove webhook ${name}? Its sender will be refused.`,
      `steppe webhook remove ${name}`,
      options.yes,
    );
    await client.removeWebhook(name);
    if (options.json === true) return await context.printJson({ removed: name });
    await context.print(`Webhook ${name} is removed; take it away at the sender, too`);
  });
}
