import { stderr } from "node:process";
import type { ClusterHarness } from "../../test/support/cluster/cluster-harness.ts";
import { median, type Report, round } from "../lib/report.ts";
import { jobLike } from "./job-like.ts";
import type { PlainNomad } from "./plain-nomad.ts";
import { until } from "./until.ts";
import { type WebhookApp, WebhookPlatform } from "./webhook-platform.ts";

const FIRST = 1;
/** Milliseconds that an instance must be healthy for. */
const HEALTHY_TIMES = [0, 1000];
const MOST_MORE_MS = 300;
const VISIT_MS = 5;
/** So often Nomad's clients tell its servers which instances are healthy. */
const NOMAD_TELLS_MS = 1000;
/** Its multiples lie evenly between whole numbers, however many of them are taken. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

const COLUMNS = [
  "deployed by",
  "min_healthy_time",
  "placed ms",
  "healthy ms",
  "first new ms",
  "mean",
  "least",
  "most",
  "but for Nomad's own",
  "last old ms",
];

/** Milliseconds from the webhook, or from the registration with Nomad. */
interface Served {
  /** To Nomad's placing of the new instance. */
  placed: number;
  /** Until Nomad's servers know that it is healthy. */
  healthy: number;
  /** To the first visitor who gets the new version. */
  first: number;
  /** To the last visitor who gets the old one. */
  last: number;
}

interface Surroundings {
  harness: ClusterHarness;
  platform: WebhookPlatform;
  nomad: PlainNomad;
}

/**
 * How soon a new version is served, by Steppe that a registry's webhook tells of it, and by Nomad alone with the same job.
 *
 * What Nomad's servers are told once a second decides when an instance counts as healthy, and a round that began as soon as the one before it had ended would always
 * begin at the same moment of that second: then some milliseconds more are either nothing or a whole second. So the rounds begin at moments that are spread evenly over it, the same ones for
 * both.
 */
export async function measureServingTimes(
  { harness, nomad }: Pick<Surroundings, "harness" | "nomad">,
  rounds: number,
): Promise<Report> {
  const rows: Report["rows"] = [];
  const targets: Report["targets"] = [];
  await using platform = await WebhookPlatform.start(harness.cluster.addresses);
  for (const minHealthyMs of HEALTHY_TIMES) {
    const { steppe, plain } = await measure({ harness, platform, nomad }, minHealthyMs, rounds);
    rows.push(row("Steppe", minHealthyMs, steppe), row("Nomad alone", minHealthyMs, plain));
    const more = (of: (served: Served) => number): number => round(median(steppe.map(of)) - median(plain.map(of)), 0);
    const name = `min_healthy_time ${minHealthyMs / 1000} s: more than Nomad alone`;
    targets.push({ name, target: MOST_MORE_MS, got: more(({ first }) => first), unit: "ms" });
    targets.push({ name: `${name}, but for Nomad's own`, target: MOST_MORE_MS, got: more(besidesNomad), unit: "ms" });
  }
  return {
    title:
      "From the webhook of a registry to the first visitor of Fabio who gets the new version, and to the last who gets the old one; beside it the same job with auto_promote, from its registration by Nomad's API on. " +
      "Nomad's own is the time from an instance's placing until its servers know that it is healthy. Medians, but for the column of means.",
    columns: COLUMNS,
    rows,
    targets,
  };
}

function row(by: string, minHealthyMs: number, served: readonly Served[]): Report["rows"][number] {
  const firsts = served.map(({ first }) => Math.round(first));
  const medianOf = (what: keyof Served): number => round(median(served.map((one) => one[what])), 0);
  return {
    "deployed by": by,
    min_healthy_time: `${minHealthyMs / 1000} s`,
    "placed ms": medianOf("placed"),
    "healthy ms": medianOf("healthy"),
    "first new ms": medianOf("first"),
    mean: round(firsts.reduce((sum, one) => sum + one, 0) / firsts.length, 0),
    least: Math.min(...firsts),
    most: Math.max(...firsts),
    "but for Nomad's own": round(median(served.map(besidesNomad)), 0),
    "last old ms": medianOf("last"),
  };
}

/** What it took besides the start of the instance, its checks, and the word of Nomad's client that it is healthy. */
function besidesNomad({ placed, healthy, first }: Served): number {
  return placed + first - healthy;
}

async function measure({ harness, platform, nomad }: Surroundings, minHealthyMs: number, rounds: number) {
  // The registry may still have the tags of another run, of which the newest would be deployed.
  const own = `${Date.now().toString(36)}-${minHealthyMs}`;
  const [steppe, plain] = [`bench-steppe-${own}`, `bench-plain-${own}`];
  const publish = (app: string, number: number): Promise<string> =>
    harness.cluster.publish({ app, number, files: { "index.html": page(app, number) } });
  const declared: WebhookApp = { app: steppe, repository: `${harness.cluster.registry}/${steppe}`, minHealthyMs };
  const like = { app: steppe, image: await publish(steppe, FIRST) };
  await platform.add(declared);
  const text = await nomad.readJob(steppe);
  const deployPlain = async (number: number, image: string): Promise<void> => {
    const index = await nomad.register(jobLike(text, like, { app: plain, number, image }));
    await untilDeployed(nomad, plain, index);
  };
  await deployPlain(FIRST, await publish(plain, FIRST));
  const found = { steppe: [] as Served[], plain: [] as Served[] };
  try {
    for (let number = FIRST + 1; number <= FIRST + rounds; number++) {
      stderr.write(`min_healthy_time ${minHealthyMs} ms, round ${number - FIRST} of ${rounds}\n`);
      // Published right before its time begins: the first poll of Steppe may be at any moment of the first half minute.
      const bySteppe = async (): Promise<void> => {
        await publish(steppe, number);
        const deploy = async (): Promise<void> => {
          await platform.tell(declared, `v${number}`);
          await untilEnded(nomad, steppe);
        };
        found.steppe.push(await timed({ harness, nomad }, { app: steppe, number }, deploy));
      };
      const byNomad = async (): Promise<void> => {
        const image = await publish(plain, number);
        found.plain.push(await timed({ harness, nomad }, { app: plain, number }, () => deployPlain(number, image)));
      };
      const pauseMs = ((number * GOLDEN) % 1) * NOMAD_TELLS_MS;
      for (const one of number % 2 === 0 ? [bySteppe, byNomad] : [byNomad, bySteppe]) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        await one();
      }
    }
  } finally {
    await nomad.remove(plain);
    await platform.remove(steppe);
  }
  return found;
}

async function timed(
  { harness, nomad }: Pick<Surroundings, "harness" | "nomad">,
  { app, number }: { app: string; number: number },
  deploy: () => Promise<void>,
): Promise<Served> {
  const [begin, beginDate] = [performance.now(), Date.now()];
  const since = (): number => performance.now() - begin;
  const giveUp = new AbortController();
  const learned = nomad.untilHealthy(app, beginDate, giveUp.signal).then(since);
  learned.catch(() => {}); // thrown below, unless the deployment says why
  try {
    const { first, last } = await visitDuring(deploy(), { harness, app, number }, since);
    const placed = Math.max(...(await nomad.instances(app)).map(({ createdAt }) => createdAt)) - beginDate;
    return { placed, healthy: await learned, first, last };
  } finally {
    giveUp.abort();
  }
}

/** Visits the app until its deployment is over. */
async function visitDuring(
  deployment: Promise<void>,
  { harness, app, number }: { harness: ClusterHarness; app: string; number: number },
  since: () => number,
): Promise<Pick<Served, "first" | "last">> {
  let first: number | undefined;
  let last = 0;
  let isOver = false;
  const deployed = deployment.finally(() => (isOver = true));
  deployed.catch(() => {}); // thrown below
  while (!isOver) {
    const asked = since();
    const { body } = await harness.visit(`${app}.test`, "/");
    if (body === page(app, number)) first ??= since();
    else last = asked;
    await new Promise((resolve) => setTimeout(resolve, VISIT_MS));
  }
  await deployed;
  if (first === undefined) throw new Error(`nobody got version ${number} of ${app}`);
  return { first, last };
}

/** Until the registration's deployment is successful, and what ran before has ended. */
async function untilDeployed(nomad: PlainNomad, app: string, index: number): Promise<void> {
  await until(
    `the deployment of ${app}`,
    async () => {
      const deployment = await nomad.newestDeployment(app);
      if (deployment?.status === "failed") throw new Error(`the deployment of ${app} failed`);
      return deployment?.jobModifyIndex === index && deployment.status === "successful" ? true : undefined;
    },
    { everyMs: 50 },
  );
  await untilEnded(nomad, app);
}

/** Until what ran before has ended: another deployment begins then. */
async function untilEnded(nomad: PlainNomad, app: string): Promise<void> {
  const haveEnded = async (): Promise<true | undefined> => {
    const instances = await nomad.instances(app);
    return instances.every(({ isWanted, hasEnded }) => isWanted || hasEnded) ? true : undefined;
  };
  await until(`the end of what ${app} ran before`, haveEnded, { everyMs: 50 });
}

function page(app: string, number: number): string {
  return `${app}, version ${number}\n`;
}
