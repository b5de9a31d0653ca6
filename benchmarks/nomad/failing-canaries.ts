import { stderr } from "node:process";
import type { NomadEngine } from "../../src/engines/nomad/index.ts";
import type { ClusterHarness } from "../../test/support/cluster/cluster-harness.ts";
import { deployRelease } from "../../test/support/cluster/deploy-release.ts";
import { testRun } from "../../test/support/test-definition.ts";
import { median, type Report, round } from "../lib/report.ts";
import { jobLike } from "./job-like.ts";
import type { PlainNomad } from "./plain-nomad.ts";
import { until } from "./until.ts";

const STEPPE = "bench-failing-steppe";
const PLAIN = "bench-failing-plain";
/** Nomad's progress deadline is twice as long. */
const HEALTHY_DEADLINE_MS = 10_000;
const SHUTDOWN_DELAY_MS = 500;
const MOST_MS = 2000;
const LOOK_MS = 10;

/** Milliseconds since the canary first answered otherwise than its check wants. */
interface Undone {
  /** The deployment is failed. */
  failed: number;
  /** Nomad wants the canary to stop. */
  told: number;
  /** It has. */
  stopped: number;
}

const run = {
  ...testRun,
  cpu: 50,
  memory: 16,
  minHealthyMs: 1000,
  healthyDeadlineMs: HEALTHY_DEADLINE_MS,
  shutdownDelayMs: SHUTDOWN_DELAY_MS,
};

/** How soon a canary whose check fails is undone, by Steppe's engine and by Nomad alone with the same job. */
export async function measureFailingCanaries(
  { harness, nomad }: { harness: ClusterHarness; nomad: PlainNomad },
  rounds: number,
): Promise<Report> {
  const engine = harness.engine();
  const steppe: Undone[] = [];
  const plain: Undone[] = [];
  try {
    const like = await harness.release(STEPPE, 1, { "index.html": "good" }, { run });
    await deployRelease(engine, like);
    const text = await nomad.readJob(STEPPE);
    const register = async (number: number, image: string): Promise<void> =>
      void (await nomad.register(jobLike(text, like, { app: PLAIN, number, image })));
    await register(1, (await harness.release(PLAIN, 1, { "index.html": "good" }, { run })).image);
    await untilSuccessful(nomad, PLAIN);
    for (let number = 2; number <= 1 + rounds; number++) {
      stderr.write(`failing canaries, round ${number - 1} of ${rounds}\n`);
      steppe.push(await failBySteppe(engine, harness, nomad, number));
      const { image } = await harness.release(PLAIN, number, { "none.html": String(number) }, { run });
      plain.push(await undone(nomad, PLAIN, () => register(number, image)));
    }
  } finally {
    await engine.remove(STEPPE);
    await nomad.remove(PLAIN);
  }
  return report(steppe, plain);
}

async function failBySteppe(
  engine: NomadEngine,
  harness: ClusterHarness,
  nomad: PlainNomad,
  number: number,
): Promise<Undone> {
  const release = await harness.release(STEPPE, number, { "none.html": String(number) }, { run });
  return await undone(nomad, STEPPE, async () => {
    try {
      await deployRelease(engine, release);
    } catch (error) {
      if ((error as { code?: unknown }).code === "CHECK_FAILED") return;
      throw error;
    }
    throw new Error("a release that is broken went live");
  });
}

/** @param begin begins the deployment; may go on for as long as that */
async function undone(nomad: PlainNomad, app: string, begin: () => Promise<void>): Promise<Undone> {
  const before = new Set((await nomad.instances(app)).map(({ id }) => id));
  const old = await nomad.newestDeployment(app);
  const begun = begin();
  begun.catch(() => {}); // thrown below
  const isNew = ({ id }: { id: string }): boolean => !before.has(id);
  const look = { everyMs: LOOK_MS };
  const canary = await until("a canary", async () => (await nomad.instances(app)).find(isNew), look);
  const address = await nomad.addressOf(canary.id);
  await until("a wrong answer", async () => ((await statusOf(address)) >= 400 ? true : undefined), look);
  const since = performance.now();
  let failed: number | undefined;
  let told: number | undefined;
  const stopped = await until(
    "the end of the canary",
    async () => {
      const now = performance.now() - since;
      const [deployments, instances] = await Promise.all([nomad.deployments(app), nomad.instances(app)]);
      const isFailed = deployments.some(
        (one) => one.status === "failed" && one.jobModifyIndex > (old?.jobModifyIndex ?? 0),
      );
      const one = instances.find(({ id }) => id === canary.id);
      if (isFailed) failed ??= now;
      if (one?.isWanted !== true) told ??= now;
      return one?.hasEnded !== false ? now : undefined;
    },
    look,
  );
  await begun;
  await untilSuccessful(nomad, app);
  if (failed === undefined || told === undefined)
    throw new Error(`${app}: its canary ended without a failed deployment`);
  return { failed, told, stopped };
}

/** Nomad has gone back to the version before. */
async function untilSuccessful(nomad: PlainNomad, app: string): Promise<void> {
  const isThere = async () => ((await nomad.newestDeployment(app))?.status === "successful" ? true : undefined);
  await until(`a successful deployment of ${app}`, isThere, { everyMs: 50 });
}

/** 0 while nobody answers. */
async function statusOf(address: string): Promise<number> {
  try {
    const { status } = await fetch(address, { headers: { connection: "close" } });
    return status;
  } catch {
    return 0;
  }
}

function report(steppe: readonly Undone[], plain: readonly Undone[]): Report {
  const row = (by: string, all: readonly Undone[]): Report["rows"][number] => ({
    "deployed by": by,
    "failed ms": round(median(all.map(({ failed }) => failed)), 0),
    "told to stop ms": round(median(all.map(({ told }) => told)), 0),
    "stopped ms": round(median(all.map(({ stopped }) => stopped)), 0),
    most: round(Math.max(...all.map(({ stopped }) => stopped)), 0),
  });
  return {
    title:
      `From the first wrong answer of a canary (404) until its deployment is failed, until it is to stop, and until it has; shutdown_delay ${SHUTDOWN_DELAY_MS} ms. ` +
      `Nomad alone takes until the progress deadline, which is ${(2 * HEALTHY_DEADLINE_MS) / 1000} s here, where Nomad's own default is 10 minutes. Medians.`,
    columns: ["deployed by", "failed ms", "told to stop ms", "stopped ms", "most"],
    rows: [row("Steppe", steppe), row("Nomad alone", plain)],
    targets: [
      {
        name: "a failing canary is stopped",
        target: MOST_MS,
        got: round(median(steppe.map(({ stopped }) => stopped)), 0),
        unit: "ms",
      },
    ],
  };
}
