import type { Command } from "commander";
import type { WebhookView } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatAge, formatMoment } from "../human.ts";
import { formatTable } from "../table.ts";
import { describeVerdict } from "../webhook-text.ts";

/** With `--json`, an array of WebhookView. */
export function define(command: Command, context: Context): void {
  withServer(command).action(async (options: CommonOptions) => {
    const webhooks = await (await context.client(options)).webhooks();
    if (options.json === true) return await context.printJson(webhooks);
    if (webhooks.length === 0) {
      return await context.print("There are no webhooks. Add one: steppe webhook add NAME --sender SENDER");
    }
    const rows = webhooks.map((webhook) => [
      context.style.bold(webhook.name),
      webhook.sender,
      secretOf(webhook, context),
      lastOf(webhook, context),
    ]);
    await context.print(
      formatTable([["WEBHOOK", "SENDER", "SECRET", "LAST DELIVERY"].map(context.style.dim), ...rows]),
    );
  });
}

function secretOf({ createdAt, rotatedAt, oldSecretUntil }: WebhookView, { io }: Context): string {
  const now = io.clock.now();
  const age = formatAge(rotatedAt ?? createdAt, now);
  return oldSecretUntil === null ? age : `${age}; the one before holds until ${formatMoment(oldSecretUntil, now)}`;
}

function lastOf({ lastDelivery }: WebhookView, context: Context): string {
  if (lastDelivery === null) return "none yet";
  const { receivedAt, repeatedAt } = lastDelivery;
  return `${formatAge(repeatedAt ?? receivedAt, context.io.clock.now())}, ${describeVerdict(lastDelivery, context)}`;
}
