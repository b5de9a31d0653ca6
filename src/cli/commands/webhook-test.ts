import type { Command } from "commander";
import { SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { describeHints, describeVerdict } from "../webhook-text.ts";

/** With `--json`, the WebhookTest. */
export function define(command: Command, context: Context): void {
  command.argument("<name>").addHelpText(
    "after",
    `
Sends a delivery as the sender would make it, of a repository that no app has, through the
listener on the server itself. It does not show that the sender can reach that.`,
  );
  withServer(command).action(async (name: string, options: CommonOptions) => {
    const test = await (await context.client(options)).testWebhook(name, context.io.signal);
    if (options.json === true) await context.printJson(test);
    const { status, delivery } = test;
    if (delivery?.verdict !== "accepted") {
      throw new SteppeError("RECEIVER_UNAVAILABLE", {
        operation: "test",
        subject: `webhook ${name}`,
        cause: `the listener answered ${status}${delivery === null ? "" : `: ${delivery.reason}`}`,
      });
    }
    if (options.json === true) return;
    const lines = [
      `${status} ${describeVerdict(delivery, context)}, delivery ${delivery.id}`,
      ...describeHints(delivery),
    ];
    await context.print(lines.join("\n  "));
  });
}
