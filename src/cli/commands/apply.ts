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
import { removalOf } from "../removal-of.ts";

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
    const { job = null, isStopped = false } = (await removalOf(client, app, false)) ?? {};
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

/** Says how the apps that are new get their first content: what is elsewhere already is looked for at once, and nobody follows that here. */
async function noteAdded(context: Context, apps: readonly AppDefinition[], changes: readonly Change[]): Promise<void> {
  const names = new Set(changes.filter(({ action }) => action === "add").map(({ app }) => app));
  const added = apps.filter(({ name }) => names.has(name));
  const elsewhere = added.filter(({ repository, image }) => repository !== null || image !== null);
  const pushed = added.filter((app) => !elsewhere.includes(app)).map(({ name }) => name);
  const [first] = pushed;
  if (first !== undefined) {
    await context.note(`Push a tag to ${some(pushed)}: git push "$(steppe app show ${first} --push-url)" v1`);
  }
  if (elsewhere.length === 0) return;
  const [only, ...others] = elsewhere.map(({ name }) => name);
  const command = others.length === 0 ? `steppe status ${only}` : "steppe status";
  const whose = elsewhere.length === 1 ? "its" : "their";
  await context.note(
    `${some(elsewhere.map(({ name }) => name))}: ${whose} newest tag is looked for now and deployed, which goes on by itself; \`${command}\` tells how far it is.`,
  );
}

const MOST_NAMES = 5;

/** `a, b and 7 more`. */
function some(names: readonly string[]): string {
  if (names.length <= MOST_NAMES) return names.join(", ");
  return `${names.slice(0, MOST_NAMES - 1).join(", ")} and ${names.length - MOST_NAMES + 1} more`;
}

/** Follows each in turn, those that failed too; the first failure is the one to throw, the others are said at once. */
async function followAll(context: Context, client: Client, deployments: readonly Deployment[], json: boolean) {
  const ended: Deployment[] = [];
  let failure: Error | undefined;
  for (const deployment of deployments) {
    try {
      ended.push(
        await followDeployment(context, client, deployment, { print: json ? "nothing" : "text", nameApp: true }),
      );
    } catch (error) {
      if (context.io.signal.aborted) throw error;
      if (failure !== undefined) await printError(context.io, toSteppeError(error, "deploy", deployment.app), json);
      failure ??= toSteppeError(error, "deploy", deployment.app);
      ended.push(await client.deployment(deployment.id));
    }
  }
  return { ended, failure };
}
