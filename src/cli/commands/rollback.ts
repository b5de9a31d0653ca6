import type { Command } from "commander";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { followDeployment } from "../follow-deployment.ts";

interface Options extends CommonOptions {
  grace: boolean;
}

/** With `--json`, the Deployment that went back. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .argument("[release]", "its number; the one that was live before, if absent")
    .option("--no-grace", "leave no file of the release that is live now reachable after the switch");
  withServer(command).action(async (name: string, release: string | undefined, options: Options) => {
    const number = release === undefined ? undefined : wholeNumber(release, "the release", "steppe rollback");
    const client = await context.client(options);
    const deployment = await client.rollback(name, number, { noGrace: !options.grace });
    await followDeployment(context, client, deployment, { print: options.json === true ? "json" : "text" });
  });
}
