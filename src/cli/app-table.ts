import type { AppView, Deployment } from "../api/types.ts";
import type { Context } from "./context.ts";
import { formatAge, formatMoment, short } from "./human.ts";
import { formatTable } from "./table.ts";

/** The apps as a table, or what to do when there are none. */
export function appTable(apps: readonly AppView[], context: Context): string {
  if (apps.length === 0) {
    return "There are no apps yet. Add one: steppe app add blog --domain blog.localhost\nor declare it in steppe.yaml: steppe apply";
  }
  const { style, io } = context;
  const head = ["APP", "LIVE", "SITE", "LAST DEPLOYMENT"].map(style.dim);
  const rows = apps.map(({ definition, liveRelease, urls, lastDeployment }) => [
    style.bold(definition.name),
    liveRelease === null ? "-" : `release ${liveRelease}`,
    urls[0] ?? definition.domains[0] ?? "-",
    lastDeployment === null ? "none yet" : deploymentSummary(lastDeployment, context, io.clock.now()),
  ]);
  const unread = apps.flatMap((app) => unreadTags(app, context).map((text) => `${app.definition.name}: tags ${text}`));
  const paused = apps.flatMap((app) => pauseOf(app, context).map((text) => `${app.definition.name}: ${text}`));
  const drifted = apps.flatMap((app) => driftOf(app, context).map((text) => `${app.definition.name}: ${text}`));
  return [formatTable([head, ...rows]), ...unread, ...paused, ...drifted].join("\n");
}

/** `not read since 10:41: …`, or nothing if they can be read. */
export function unreadTags({ tagsUnread }: AppView, { style, io }: Context): string[] {
  if (tagsUnread === null) return [];
  const { since, error } = tagsUnread;
  return [`${style.red("not read")} since ${formatMoment(since, io.clock.now())}: ${error.cause}`];
}

/** `paused since 10:41: the reason`, or nothing if it is not. */
export function pauseOf({ definition, paused }: AppView, { style, io }: Context): string[] {
  if (paused === null) return [];
  const since = formatMoment(paused.since, io.clock.now());
  const why = paused.reason === null ? "" : `: ${paused.reason}`;
  return [`${style.yellow("paused")} since ${since}${why}; \`steppe resume ${definition.name}\` ends that`];
}

/** That somebody changed the app's job on Nomad, or nothing. */
export function driftOf({ definition, drifted }: AppView, { style }: Context): string[] {
  if (drifted !== true) return [];
  return [`${style.yellow("somebody changed its job")} on Nomad; \`steppe drift ${definition.name}\` shows what`];
}

/** What a deployment waits for: `waits for approval`, `waits until 10:41`. */
export function describeHold(hold: NonNullable<Deployment["hold"]>, now: number): string {
  switch (hold.kind) {
    case "approval":
      return "waits for approval";
    case "paused":
      return "waits for the pause to end";
    case "window":
      return `waits until ${formatMoment(hold.opensAt, now)}`;
    case "promotion":
      return hold.of === undefined ? "waits for promotion" : `waits for the promotion of ${hold.of}`;
    case "registry":
    case "cluster":
      return `waits for the ${hold.kind}, tried again at ${formatMoment(hold.retryAt, now)} (${hold.cause})`;
  }
}

/** `v2 live, 5 min ago`, or of a failed one its cause. */
export function deploymentSummary(deployment: Deployment, { style }: Context, now: number): string {
  const paint = { live: style.green, failed: style.red }[deployment.state as string] ?? style.yellow;
  const when = formatAge(deployment.finishedAt ?? deployment.createdAt, now);
  const isEnding = deployment.finishedAt === null && deployment.error !== null;
  const unended = deployment.hold === null ? deployment.state : describeHold(deployment.hold, now);
  const state = isEnding ? "is taken away" : unended;
  const isTold = isEnding || deployment.state === "failed";
  const why = isTold && deployment.error !== null ? `: ${deployment.error.cause}` : "";
  return `${sourceName(deployment.source)} ${paint(state)}, ${when}${why}`;
}

/** What a deployment is of: a tag, a folder, a release, a changed definition. */
export function sourceName(source: Deployment["source"]): string {
  switch (source.kind) {
    case "ref":
      return source.ref.replace(/^refs\/(tags|heads)\//, "");
    case "image":
      return source.tag ?? `image ${short(source.digest)}`;
    case "upload":
      return "a folder";
    case "rollback":
      return `rollback to ${source.release}`;
    case "definition":
      return "new definition";
  }
}
