import type { Command } from "commander";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { followDeployment } from "../follow-deployment.ts";

interface Options extends CommonOptions {
  reject?: boolean;
  wait: boolean;
}

/** With `--json`, the Deployment: ended or held again, or as it was approved (`--no-wait`) or rejected. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .argument("[deployment]", "its number; the newest that waits for approval, if absent")
    .option("--reject", "end it instead: it does not go live")
    .option("--no-wait", "do not follow it");
  withServer(command).action(async (name: string, id: string | undefined, options: Options) => {
    const number = id === undefined ? undefined : wholeNumber(id, "the deployment", "steppe approve");
    const client = await context.client(options);
    const json = options.json === true;
    if (options.reject === true) {
      const rejected = await client.reject(name, number);
      if (json) return await context.printJson(rejected);
      return await context.print(`deployment ${rejected.id} of ${name} is rejected`);
    }
    const deployment = await client.approve(name, number);
    if (options.wait) await followDeployment(context, client, deployment, { print: json ? "json" : "text" });
    else if (json) await context.printJson(deployment);
    else await context.print(`deployment ${deployment.id} is approved; \`steppe status ${name}\` tells of it`);
  });
}
