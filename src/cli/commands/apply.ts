import type { Command } from "commander";
import type { AppDefinition, Change, Deployment } from "../../api/types.ts";
import { toSteppeError } from "../../shared/errors.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { followDeployment } from "../follow-deployment.ts";
import { count } from "../human.ts";
import type { Client } from "../io.ts";
import { printError } from "../print-error.ts";
import { readConfigFile } from "../read-config-file.ts";

interface Options extends CommonOptions {
  file: string;
  dryRun?: boolean;
  prune?: boolean;
  yes?: boolean;
}

/** With `--json`, an ApplyResult whose deployments have ended (or none, with `--dry-run`). */
export function define(command: Command, context: Context): void {
  command
    .option("-f, --file <file>", "the file; `-` is standard input", "steppe.yaml")
    .option("--dry-run", "show what would change, and change nothing")
    .option("--prune", "remove the apps that the file does not declare")
    .option("-y, --yes", "do not ask before apps are removed");
  withServer(command).action(async (options: Options) => {
    const { apps: definitions } = await readConfigFile(context.io, options.file);
    const client = await context.client(options);
    const prune = options.prune === true;
    const plan = await client.apply({ definitions, prune, dryRun: true });
    const json = options.json === true;
    if (!json) await context.print(describeChanges(context, plan.changes));
    const changes = plan.changes.filter(({ action }) => action !== "none");
    if (options.dryRun === true || changes.length === 0) {
      if (json) await context.printJson(plan);
      return;
    }
    const removed = changes.filter(({ action }) => action === "remove").map(({ app }) => app);
    if (removed.length > 0) {
      await confirmRemovals(context, client, removed, options.yes);
    }
    const result = await client.apply({ definitions, prune });
    const deployments = await followAll(context, client, result.deployments, json);
    if (json) await context.printJson({ changes: result.changes, deployments: deployments.ended });
    else await noteAdded(context, definitions, changes);
    if (deployments.failure !== undefined) throw deployments.failure;
  });
}

async function confirmRemovals(
  context: Context,
  client: Client,
  apps: readonly string[],
  yes: boolean | undefined,
): Promise<void> {
  if (yes === true) return;
  const stopped: string[] = [];
  for (const app of apps) {
    const { job, isStopped } = await client.removal(app);
    if (isStopped && job !== null) stopped.push(job);
  }
  const jobs = stopped.length === 0 ? "" : ` Stopped on Nomad, with all instances: ${stopped.join(", ")}.`;
  const question = `Remove ${apps.join(", ")}, with repositories and releases?${jobs}`;
  await context.confirm(question, "steppe apply --prune", yes);
}

function describeChanges({ style }: Context, changes: readonly Change[]): string {
  const lines = changes.flatMap(({ app, action, fields }) => {
    if (action === "none") return [];
    const marks = { add: style.green("+"), change: style.yellow("~"), remove: style.red("-") };
    const words = { add: "is added", change: "changes", remove: "is removed" };
    return [`${marks[action]} ${style.bold(app)} ${words[action]}`, ...fields.map((field) => `    ${field}`)];
  });
  const same = changes.length - changes.filter(({ action }) => action !== "none").length;
  if (lines.length === 0) return `Nothing to change: ${count(same, "app")} ${same === 1 ? "is" : "are"} as declared.`;
  return lines.join("\n");
}

/** Says how the apps that are new, and have no content yet, get some. */
async function noteAdded(context: Context, apps: readonly AppDefinition[], changes: readonly Change[]): Promise<void> {
  const added = new Set(changes.filter(({ action }) => action === "add").map(({ app }) => app));
  const pushed = apps.filter(({ name, repository }) => added.has(name) && repository === null).map(({ name }) => name);
  const [first] = pushed;
  const name = pushed.length === 1 ? first : "APP";
  if (first !== undefined) {
    await context.note(`Push a tag to ${pushed.join(", ")}: git push "$(steppe app show ${name} --push-url)" v1`);
  }
  for (const { name: app, image } of apps) {
    if (added.has(app) && image !== null)
      await context.note(`A new tag in ${image.repository} deploys ${app} as well.`);
  }
}

/** Follows each in turn, those that failed too; the first failure is the one to throw, the others are said at once. */
async function followAll(context: Context, client: Client, deployments: readonly Deployment[], json: boolean) {
  const ended: Deployment[] = [];
  let failure: Error | undefined;
  for (const deployment of deployments) {
    try {
      await followDeployment(context, client, deployment, { print: json ? "nothing" : "text", nameApp: true });
    } catch (error) {
      if (context.io.signal.aborted) throw error;
      if (failure !== undefined) await printError(context.io, toSteppeError(error, "deploy", deployment.app), json);
      failure ??= toSteppeError(error, "deploy", deployment.app);
    }
    ended.push(await client.deployment(deployment.id));
  }
  return { ended, failure };
}
