import { resolve } from "node:path";
import type { Command } from "commander";
import type { Deployment } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { followDeployment } from "../follow-deployment.ts";
import type { Client } from "../io.ts";
import { usageError } from "../usage-error.ts";

interface Options extends CommonOptions {
  tag?: string;
  branch?: string;
  image?: string;
  dir?: string;
  grace: boolean;
  wait: boolean;
}

/** With `--json`, the Deployment: ended, or with `--no-wait` as it was queued. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .option("--tag <tag>", "a tag of its repository")
    .option("--branch <branch>", "a branch of its repository")
    .option("--image <reference>", "an image of a registry, by its tag or digest")
    .option("--dir <folder>", "a folder that is the site already")
    .option("--no-grace", "leave no file of the release before reachable after the switch")
    .option("--no-wait", "do not follow it");
  withServer(command).action(async (name: string, options: Options) => {
    const start = starter(name, options, context);
    const client = await context.client(options);
    const deployment = await start(client);
    const json = options.json === true;
    if (options.wait) await followDeployment(context, client, deployment, { print: json ? "json" : "text" });
    else if (json) await context.printJson(deployment);
    else await context.print(`deployment ${deployment.id} is queued; \`steppe status ${name}\` tells of it`);
  });
}

/** Checks that exactly one thing is to be deployed, before any server is asked. */
function starter(
  name: string,
  { tag, branch, image, dir, grace }: Options,
  { io }: Context,
): (client: Client) => Promise<Deployment> {
  const given = [tag, branch, image, dir].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw usageError(
      `steppe deploy ${name}`,
      given.length === 0 ? "nothing says what is to be deployed" : "only one thing can be deployed at a time",
      "Give --tag TAG, --branch BRANCH, --image IMAGE or --dir FOLDER.",
    );
  }
  const noGrace = !grace;
  if (tag !== undefined) return (client) => client.deploy(name, { tag }, { noGrace });
  if (branch !== undefined) return (client) => client.deploy(name, { branch }, { noGrace });
  if (image !== undefined) return (client) => client.deploy(name, { image }, { noGrace });
  return (client) => client.upload(name, resolve(io.cwd, dir ?? ""), { noGrace, signal: io.signal });
}
