import type { Command } from "commander";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { describeHint, describeVerdict } from "../webhook-text.ts";

/** With `--json`, the DeliveryView of the new delivery. */
export function define(command: Command, context: Context): void {
  command.argument("<id>", "its number, see `steppe webhook deliveries`");
  withServer(command).action(async (id: string, options: CommonOptions) => {
    const number = wholeNumber(id, "the delivery", "steppe webhook redeliver");
    const delivery = await (await context.client(options)).redeliver(number);
    if (options.json === true) return await context.printJson(delivery);
    const said = delivery.hints.map(({ hint }) => describeHint(hint));
    const lines = [
      `Delivery ${number} is read again, as ${delivery.id}: ${describeVerdict(delivery, context)}`,
      ...said,
    ];
    await context.print(lines.join("\n  "));
  });
}
