import type { Command } from "commander";
import type { DeliveryView } from "../../api/types.ts";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { SteppeError } from "../../shared/errors.ts";
import { count, formatAge, formatSecond } from "../human.ts";
import type { Client } from "../io.ts";
import { formatTable } from "../table.ts";
import { describeHints, describeVerdict } from "../webhook-text.ts";

interface Options extends CommonOptions {
  limit?: string;
  before?: string;
}

const SUBJECT = "steppe webhook deliveries";
const SHOWN = 20;

/** With `--json`, an array of DeliveryView, the newest first. */
export function define(command: Command, context: Context): void {
  command
    .argument("[name]", "only those of this webhook")
    .option("--limit <n>", `how many (default ${SHOWN})`)
    .option("--before <id>", "only those before this one");
  withServer(command).action(async (name: string | undefined, { limit, before, ...options }: Options) => {
    const client = await context.client(options);
    const deliveries = await client.deliveries({
      limit: limit === undefined ? SHOWN : wholeNumber(limit, "--limit", SUBJECT),
      ...(before === undefined ? {} : { before: wholeNumber(before, "--before", SUBJECT) }),
      ...(name === undefined ? {} : { webhook: name }),
    });
    if (deliveries.length === 0 && name !== undefined) await checkName(client, name);
    if (options.json === true) return await context.printJson(deliveries);
    if (deliveries.length === 0) return await context.print("There are no deliveries.");
    await context.print(describe(deliveries, context));
  });
}

/** The list keeps deliveries of webhooks that were removed: only a name that has neither is misspelled. */
async function checkName(client: Client, name: string): Promise<void> {
  const isThere = (await client.webhooks()).some((webhook) => webhook.name === name);
  if (isThere) return;
  throw new SteppeError("WEBHOOK_NOT_FOUND", {
    operation: "list the deliveries of",
    subject: name,
    cause: "there is no such webhook",
    hint: "`steppe webhook list` shows the webhooks.",
  });
}

function describe(deliveries: readonly DeliveryView[], context: Context): string {
  const rows = deliveries.flatMap((delivery) => {
    const [first, ...more] = describeHints(delivery);
    const { id, receivedAt, webhook, sender, status } = delivery;
    const verdict = describeVerdict(delivery, context);
    return [
      [
        String(id),
        formatSecond(receivedAt),
        webhook,
        sender,
        status === null ? "-" : String(status),
        `${first === undefined ? verdict : `${verdict}: ${first}`}${again(delivery, context)}`,
      ],
      ...more.map((line) => ["", "", "", "", "", line]),
    ];
  });
  const head = ["DELIVERY", "CAME", "WEBHOOK", "SENDER", "ANSWER", "WHAT CAME OF IT"].map(context.style.dim);
  return formatTable([head, ...rows]);
}

/** Whether it came, or was read, more than once. */
function again({ repeats, repeatedAt, redeliveryOf }: DeliveryView, { io }: Context): string {
  const notes = [
    ...(repeats > 0 && repeatedAt !== null
      ? [`came ${count(repeats, "more time")}, last ${formatAge(repeatedAt, io.clock.now())}`]
      : []),
    ...(redeliveryOf === null ? [] : [`delivery ${redeliveryOf} again`]),
  ];
  return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
}
