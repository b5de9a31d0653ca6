import { DatabaseSync } from "node:sqlite";
import type { Deployment, Release, WebhookSetup } from "../../src/api/types.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { type RunningSteppe, startSteppe } from "../support/steppe.ts";
import { DeliverySender } from "./delivery-sender.ts";
import { processesOf, status, until } from "./processes.ts";
import type { SoakResult } from "./soak-result.ts";
import { type PushedTag, TagBurst } from "./tag-burst.ts";

const DELIVERIES = 10_000;
const TAGS = 7000;
const APPS = 50;
const KILLS = 5;
/**
 * Milliseconds that senders wait. It is to be a second, as the counts show; here a control that was just started has all that was held back come at
 * once, on a machine that is busy with the registry and with this process, too.
 */
const ANSWER_MS = 5000;
/** Milliseconds: a burst is on its way when control is killed. */
const INTO_BURST_MS = 100;
const PATIENCE_MS = 1_200_000;

/**
 * 10,000 deliveries of a real registry's pushes, of which 3,000 are the second of their event; half of them come in bursts, in the midst of which
 * control is killed -9, five times. What was answered 2xx is not sent again, and yet each tag is acted on, none is deployed twice, and
 * of each app the newest is live.
 */
export async function run(scale: number): Promise<SoakResult> {
  await using registry = await startDockerRegistry({ skip: missing });
  await using steppe = await startSteppe();
  const apps = Array.from({ length: Math.ceil(APPS * scale) }, (_, index) => `app${index}`);
  for (const app of apps) {
    const image = `${registry.host}/sites/${app}`;
    const options = ["--domain", `${app}.localhost`, "--image", image, "--image-site", "/www", "--poll", "1d"];
    await steppe.json("app", "add", app, ...options);
  }
  const { secret } = (await steppe.json("webhook", "add", "registry", "--sender", "distribution")) as WebhookSetup;
  const sender = new DeliverySender(`${(await status(steppe))?.addresses.webhooks}registry`, secret);
  const counts = { tags: Math.round(TAGS * scale), deliveries: Math.round(DELIVERIES * scale) };
  const burst = new TagBurst({ host: registry.host, apps, ...counts, sender });

  const pushing = burst.push();
  for (let kill = 1; kill <= KILLS; kill++) {
    const enough = (counts.tags * kill) / (KILLS + 1);
    await until(`${enough} tags`, async () => burst.pushed.length >= enough || undefined, PATIENCE_MS);
    const answered = burst.burst();
    await new Promise((resolve) => setTimeout(resolve, INTO_BURST_MS));
    for (const pid of processesOf(steppe, "control")) process.kill(pid, "SIGKILL");
    await answered;
  }
  await pushing;
  await burst.burst();
  const gaveUp = await untilDone(steppe);
  return {
    counts: {
      ...sender.summary(),
      tags: burst.pushed.length,
      kills: KILLS,
      deployments: rows(steppe, "SELECT id FROM deployments").length,
    },
    problems: [
      ...sender.problems(counts.deliveries, ANSWER_MS),
      ...gaveUp,
      ...journaled(steppe, burst.pushed),
      ...unseen(steppe, burst.pushed),
      ...(await deployed(steppe, apps, burst.pushed)),
    ],
  };
}

function missing(reason?: unknown): never {
  throw new Error(String(reason));
}

/** Waits until all is acted on and no deployment is under way. Returns what was given up. */
async function untilDone(steppe: RunningSteppe): Promise<string[]> {
  const open = `SELECT delivery FROM delivery_hints WHERE settled_at IS NULL
    UNION ALL SELECT id FROM deployments WHERE finished_at IS NULL`;
  await until("the end of it", async () => rows(steppe, open).length === 0 || undefined, PATIENCE_MS);
  const gaveUp = "SELECT outcome FROM delivery_hints WHERE outcome LIKE 'gave up%'";
  return rows(steppe, gaveUp).map(({ outcome }) => String(outcome));
}

/** Of each tag there is one delivery, with one hint. */
function journaled(steppe: RunningSteppe, pushed: readonly PushedTag[]): string[] {
  const hints = rows(steppe, "SELECT hint FROM delivery_hints").map(
    ({ hint }) => JSON.parse(String(hint)) as { eventId: string },
  );
  const counts = Map.groupBy(hints, ({ eventId }) => eventId);
  return pushed.flatMap(({ app, tag, event }) => {
    const times = counts.get(event)?.length ?? 0;
    return times === 1 ? [] : [`${app} ${tag} was taken ${times} times`];
  });
}

/** Of each tag it is known what it stands for, or that there were newer ones. */
function unseen(steppe: RunningSteppe, pushed: readonly PushedTag[]): string[] {
  const seen = new Set(
    rows(steppe, "SELECT app, tag FROM image_tags").map(({ app, tag }) => `${String(app)} ${String(tag)}`),
  );
  return pushed.flatMap(({ app, tag }) => (seen.has(`${app} ${tag}`) ? [] : [`${app} ${tag} was never looked at`]));
}

/** No tag is deployed twice, none failed, and the newest is live. */
async function deployed(
  steppe: RunningSteppe,
  apps: readonly string[],
  pushed: readonly PushedTag[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const app of apps) {
    const all = await deployments(steppe, app);
    const bad = all.filter(({ state }) => state !== "live" && state !== "superseded");
    problems.push(...bad.map(({ id, state, error }) => `${app}: deployment ${id} is ${state}: ${error?.cause}`));
    const twice = [...Map.groupBy(all, tagOf)].filter(([, ofTag]) => ofTag.length > 1);
    problems.push(...twice.map(([tag, ofTag]) => `${app} ${tag} has ${ofTag.length} deployments`));
    const newest = pushed
      .filter((one) => one.app === app)
      .reduce((one, other) => (Number(one.tag.slice(1)) > Number(other.tag.slice(1)) ? one : other));
    const live = ((await steppe.json("releases", app)) as Release[]).find((release) => release.live);
    if (live?.image !== newest.digest) problems.push(`${app}: live is ${live?.image}, the newest is ${newest.tag}`);
  }
  return problems;
}

function tagOf({ source }: Deployment): string {
  if ("tag" in source && typeof source.tag === "string") return source.tag;
  throw new Error(`a deployment is of no tag: ${JSON.stringify(source)}`);
}

async function deployments(steppe: RunningSteppe, app: string): Promise<Deployment[]> {
  const answer = await fetch(`${steppe.addresses.api}/v1/apps/${app}/deployments?limit=1000`, {
    headers: { authorization: `Bearer ${steppe.token}` },
  });
  if (!answer.ok) throw new Error(`the deployments were answered ${answer.status}`);
  return (await answer.json()) as Deployment[];
}

function rows(steppe: RunningSteppe, sql: string): Array<Record<string, unknown>> {
  const database = new DatabaseSync(`${steppe.data}/steppe.db`, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}
