import type { Command } from "commander";
import { parseDuration } from "../../config/index.ts";
import type { SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatMoment } from "../human.ts";
import { usageError } from "../usage-error.ts";
import { describeSetup, readSecret } from "../webhook-text.ts";

interface Options extends CommonOptions {
  keep?: string;
  finish?: boolean;
  secretFile?: string;
}

const DAY_MS = 24 * 60 * 60_000;
const MOST_KEPT_MS = 90 * DAY_MS;

/** With `--json`, the WebhookSetup; with `--finish`, the WebhookView. */
export function define(command: Command, context: Context): void {
  command
    .argument("<name>")
    .option("--keep <time>", "how long the secret before holds, too; 0: it ends at once (default 1d)")
    .option("--finish", "make the secret before void: the sender has the new one")
    .option("--secret-file <file>", "a secret that the sender made, from a file; - is standard input");
  withServer(command).action(async (name: string, { keep, finish, secretFile, ...options }: Options) => {
    if (finish === true) {
      if (keep !== undefined || secretFile !== undefined) throw usage("--finish goes with no other option");
      const webhook = await (await context.client(options)).finishRotation(name);
      if (options.json === true) return await context.printJson(webhook);
      return await context.print(`Of webhook ${name}, only the newest secret holds`);
    }
    const keepMs = keep === undefined ? DAY_MS : readKeep(keep);
    const secret = await readSecret(secretFile, context);
    const client = await context.client(options);
    const setup = await client.rotateWebhook(name, { keepMs, ...(secret === undefined ? {} : { secret }) });
    if (options.json === true) return await context.printJson(setup);
    const { oldSecretUntil: until } = setup.webhook;
    const before =
      until === null
        ? "The one before is void from now on."
        : `The one before holds, too, until ${formatMoment(until, context.io.clock.now())}, or until: steppe webhook rotate ${name} --finish`;
    await context.print(`Webhook ${name} has a new secret. ${before}\n\n${describeSetup(setup, context)}`);
  });
}

function readKeep(text: string): number {
  const parsed = parseDuration(text, [0, MOST_KEPT_MS]);
  if ("problem" in parsed) throw usage(`--keep ${JSON.stringify(text)} ${parsed.problem}`);
  return parsed.value;
}

function usage(cause: string): SteppeError {
  return usageError("steppe webhook rotate", cause);
}
