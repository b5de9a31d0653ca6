import type { Command } from "commander";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { followDeployment } from "../follow-deployment.ts";

interface Options extends CommonOptions {
  reject?: boolean;
  wait: boolean;
}

/** With `--json`, the Deployment: ended, or as it was promoted (`--no-wait`) or rejected. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .argument("[deployment]", "its number; the one that waits for promotion, if absent")
    .option("--reject", "take its canaries away instead: what is live goes on")
    .option("--no-wait", "do not follow it");
  withServer(command).action(async (name: string, id: string | undefined, options: Options) => {
    const number = id === undefined ? undefined : wholeNumber(id, "the deployment", "steppe promote");
    const client = await context.client(options);
    const json = options.json === true;
    if (options.reject === true) {
      const rejected = await client.cluster.rejectCanaries(name, number);
      if (json) return await context.printJson(rejected);
      return await context.print(`the canaries of deployment ${rejected.id} of ${name} are taken away`);
    }
    const deployment = await client.cluster.promote(name, number);
    if (options.wait) await followDeployment(context, client, deployment, { print: json ? "json" : "text" });
    else if (json) await context.printJson(deployment);
    else await context.print(`deployment ${deployment.id} is promoted; \`steppe status ${name}\` tells of it`);
  });
}
