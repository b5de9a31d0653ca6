import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { describeSetup, readSecret } from "../webhook-text.ts";

interface Options extends CommonOptions {
  sender: string;
  secretFile?: string;
  callback?: boolean;
}

/** With `--json`, the WebhookSetup. */
export function define(command: Command, context: Context): void {
  command
    .argument("<name>", "lower-case letters, digits and hyphens; a part of its address")
    .requiredOption("--sender <name>", "docker-hub, github, distribution, gitlab, harbor, quay or gitea")
    .option("--secret-file <file>", "a secret that the sender made, from a file; - is standard input")
    .option("--callback", "call Docker Hub's callback_url when it is known what came of a delivery");
  withServer(command).action(async (name: string, { sender, secretFile, callback, ...options }: Options) => {
    const secret = await readSecret(secretFile, context);
    const client = await context.client(options);
    const setup = await client.addWebhook({
      name,
      sender,
      ...(secret === undefined ? {} : { secret }),
      ...(callback === true ? { callback } : {}),
    });
    if (options.json === true) return await context.printJson(setup);
    await context.print(`Webhook ${name} is added. Give its sender this:\n\n${describeSetup(setup, context)}`);
  });
}
