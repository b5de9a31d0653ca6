import type { Command } from "commander";
import type { AppView, Deployment, PlatformStatus } from "../../api/types.ts";
import { formatDuration } from "../../config/index.ts";
import { appTable, deploymentSummary, driftOf, pauseOf, unreadTags } from "../app-table.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatAge, formatBytes } from "../human.ts";
import { formatTable } from "../table.ts";

const DEPLOYMENTS_SHOWN = 10;

/** With `--json`, the PlatformStatus, or of an app `{app, deployments}`. */
export function define(command: Command, context: Context): void {
  command.argument("[app]");
  withServer(command).action(async (name: string | undefined, options: CommonOptions) => {
    const client = await context.client(options);
    if (name === undefined) {
      const status = await client.status();
      if (options.json === true) return await context.printJson(status);
      return await context.print(`${describePlatform(status, context)}\n\n${appTable(status.apps, context)}`);
    }
    const [app, deployments] = await Promise.all([client.app(name), client.deployments(name, DEPLOYMENTS_SHOWN)]);
    if (options.json === true) return await context.printJson({ app, deployments });
    await context.print(describeApp(app, deployments, context));
  });
}

function describePlatform(status: PlatformStatus, context: Context): string {
  const { addresses, disk, processes } = status;
  const { io } = context;
  const disks = [
    `${formatBytes(disk.files)} of files`,
    `${formatBytes(disk.repositories)} of repositories`,
    `${formatBytes(disk.other)} besides`,
  ];
  const rows = processes.map(({ kind, pid, memory, startedAt }, index) => [
    index === 0 ? "processes" : "",
    [
      `${kind} ${pid}`,
      ...(memory === null ? [] : [formatBytes(memory)]),
      `started ${formatAge(startedAt, io.clock.now())}`,
    ].join(", "),
  ]);
  return formatTable([
    ["version", status.version],
    ["sites", sitesOf(status, context)],
    ["API", addresses.api],
    ["git", addresses.git],
    ...(addresses.webhooks === null ? [] : [["webhooks", addresses.webhooks]]),
    ["data", `${status.dataFolder}: ${disks.join(", ")}`],
    ...rows,
  ]);
}

function sitesOf({ engine, addresses: { http, https } }: PlatformStatus, { style }: Context): string {
  if (http === null || https === null) return `on the cluster (${engine}), where visitors connect to Fabio`;
  return `${style.bold(http)}  ${style.bold(https)}`;
}

function howToDeploy({ definition: { name, repository, image, pollMs } }: AppView): string {
  const every = formatDuration(pollMs);
  if (repository === null && image !== null) {
    return `The tags of ${image.repository} are looked at every ${every}; at once: steppe deploy ${name} --image ${image.repository}:TAG`;
  }
  if (repository === null) return `Push a tag: git push "$(steppe app show ${name} --push-url)" v1`;
  return `The tags of ${repository} are looked at every ${every}; at once: steppe deploy ${name} --tag TAG`;
}

function describeApp(app: AppView, deployments: readonly Deployment[], context: Context): string {
  const now = context.io.clock.now();
  const { name } = app.definition;
  const facts = formatTable([
    ["app", context.style.bold(name)],
    ["live", app.liveRelease === null ? "nothing yet" : `release ${app.liveRelease}`],
    ...app.urls.map((url, index) => [index === 0 ? "site" : "", url]),
    ...unreadTags(app, context).map((text) => ["tags", text]),
    ...pauseOf(app, context).map((text) => ["deploys", text]),
    ...driftOf(app, context).map((text) => ["job", text]),
  ]);
  if (deployments.length === 0) {
    return `${facts}\n\nNo deployments yet. ${howToDeploy(app)}`;
  }
  const rows = deployments.map((deployment) => [String(deployment.id), deploymentSummary(deployment, context, now)]);
  const what = whatToDo(name, deployments);
  const failed = deployments[0]?.state === "failed" ? deployments[0].error : null;
  const why = failed === null ? "" : `\n\n${context.style.red("why:")} ${failed.cause}\nhint: ${failed.hint}`;
  const detail = failed?.detail === undefined ? "" : `\n${failed.detail.replace(/^/gm, "  ")}`;
  return `${facts}\n\n${formatTable([["DEPLOYMENT", ""].map(context.style.dim), ...rows])}${what}${why}${detail}`;
}

/** What a person can decide now. */
function whatToDo(name: string, deployments: readonly Deployment[]): string {
  const waits = (kind: string): boolean => deployments.some(({ hold }) => hold?.kind === kind);
  const approval = `\n\n\`steppe approve ${name}\` lets it go live; with \`--reject\` it does not.`;
  const promotion = `\n\nIts canaries are healthy: \`steppe promote ${name}\` lets them take over; with \`--reject\` they are taken away.`;
  return `${waits("approval") ? approval : ""}${waits("promotion") ? promotion : ""}`;
}
