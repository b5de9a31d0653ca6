import { stderr } from "node:process";
import type { NomadEngine } from "../../src/engines/nomad/index.ts";
import type { ClusterHarness } from "../../test/support/cluster/cluster-harness.ts";
import { deployRelease } from "../../test/support/cluster/deploy-release.ts";
import { testRun } from "../../test/support/test-definition.ts";
import { median, type Report, round } from "../lib/report.ts";
import { jobLike } from "./job-like.ts";
import type { PlainNomad } from "./plain-nomad.ts";
import { until } from "./until.ts";

const STEPPE = "bench-steppe";
const PLAIN = "bench-plain";
const FIRST = 1;
/** Milliseconds that an instance must be healthy for. */
const HEALTHY_TIMES = [0, 1000];
const MOST_MORE_MS = 300;
const VISIT_MS = 5;

/** Milliseconds from the beginning of a deployment. */
interface Served {
  /** To the first visitor who gets the new version. */
  first: number;
  /** To the last visitor who gets the old one. */
  last: number;
}

interface Surroundings {
  harness: ClusterHarness;
  engine: NomadEngine;
  nomad: PlainNomad;
}

/** How soon a new version is served, by Steppe's engine and by Nomad alone with the same job. */
export async function measureServingTimes(
  { harness, nomad }: Pick<Surroundings, "harness" | "nomad">,
  rounds: number,
): Promise<Report> {
  const rows: Report["rows"] = [];
  const targets: Report["targets"] = [];
  const engine = harness.engine();
  for (const minHealthyMs of HEALTHY_TIMES) {
    const { steppe, plain } = await measure({ harness, engine, nomad }, minHealthyMs, rounds);
    rows.push(row("Steppe", minHealthyMs, steppe), row("Nomad alone", minHealthyMs, plain));
    const of = (served: readonly Served[]): number => median(served.map(({ first }) => first));
    const name = `min_healthy_time ${minHealthyMs / 1000} s: more than Nomad alone`;
    targets.push({ name, target: MOST_MORE_MS, got: round(of(steppe) - of(plain), 0), unit: "ms" });
  }
  return {
    title:
      "From the beginning of a deployment to the first visitor of Fabio who gets the new version, and to the last who gets the old one; beside it the same job with auto_promote, registered by Nomad's API. Medians.",
    columns: ["deployed by", "min_healthy_time", "first new ms", "least", "most", "last old ms"],
    rows,
    targets,
  };
}

function row(by: string, minHealthyMs: number, served: readonly Served[]): Report["rows"][number] {
  const firsts = served.map(({ first }) => Math.round(first));
  return {
    "deployed by": by,
    min_healthy_time: `${minHealthyMs / 1000} s`,
    "first new ms": round(median(firsts), 0),
    least: Math.min(...firsts),
    most: Math.max(...firsts),
    "last old ms": round(median(served.map(({ last }) => last)), 0),
  };
}

async function measure(where: Surroundings, minHealthyMs: number, rounds: number) {
  const { harness, engine, nomad } = where;
  const run = { ...testRun, cpu: 50, memory: 16, minHealthyMs, healthyDeadlineMs: 60_000, shutdownDelayMs: 500 };
  const release = (app: string, number: number) =>
    harness.release(app, number, { "index.html": page(app, number) }, { run });
  const like = await release(STEPPE, FIRST);
  await deployRelease(engine, like);
  const text = await nomad.readJob(STEPPE);
  const deployPlain = async (number: number, image: string): Promise<void> => {
    const index = await nomad.register(jobLike(text, like, { app: PLAIN, number, image }));
    await untilDeployed(nomad, PLAIN, index);
  };
  await deployPlain(FIRST, (await release(PLAIN, FIRST)).image);
  const found = { steppe: [] as Served[], plain: [] as Served[] };
  try {
    for (let number = FIRST + 1; number <= FIRST + rounds; number++) {
      stderr.write(`min_healthy_time ${minHealthyMs} ms, round ${number - FIRST} of ${rounds}\n`);
      const next = await release(STEPPE, number);
      const { image } = await release(PLAIN, number); // published before the time begins
      const steppe = async (): Promise<void> => {
        found.steppe.push(await timed(harness, next, () => deployRelease(engine, next)));
      };
      const plain = async (): Promise<void> => {
        found.plain.push(await timed(harness, { app: PLAIN, number }, () => deployPlain(number, image)));
      };
      for (const one of number % 2 === 0 ? [steppe, plain] : [plain, steppe]) await one();
    }
  } finally {
    await nomad.remove(PLAIN);
    await engine.remove(STEPPE);
  }
  return found;
}

async function timed(
  harness: ClusterHarness,
  { app, number }: { app: string; number: number },
  deploy: () => Promise<void>,
): Promise<Served> {
  const begin = performance.now();
  const since = (): number => performance.now() - begin;
  let first: number | undefined;
  let last = 0;
  let isOver = false;
  const deployed = deploy().finally(() => (isOver = true));
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
      if (deployment?.jobModifyIndex !== index || deployment.status !== "successful") return undefined;
      const instances = await nomad.instances(app);
      return instances.every(({ isWanted, hasEnded }) => isWanted || hasEnded) ? true : undefined;
    },
    { everyMs: 50 },
  );
}

function page(app: string, number: number): string {
  return `${app}, version ${number}\n`;
}
