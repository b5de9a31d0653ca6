import { env } from "node:process";
import type { NomadEngine } from "../../src/engines/nomad/index.ts";
import { ClusterHarness } from "../support/cluster/cluster-harness.ts";
import { deployRelease } from "../support/cluster/deploy-release.ts";
import { missingVariables, upstreamsOf } from "../support/cluster/cluster-environment.ts";
import { testRun } from "../support/test-definition.ts";
import type { SoakResult } from "./soak-result.ts";
import { SteadyLoad } from "./steady-load.ts";

const APP = "nomad-traffic";
const HOST = `${APP}.test`;
/** A second domain of the app, which it has in some releases. */
const OTHER_HOST = `other.${APP}.test`;
const RATE = 800;
const OTHER_EVERY = 5;
const BROKEN_EVERY = 4;
const RUN = { ...testRun, cpu: 50, memory: 16, minHealthyMs: 1000, healthyDeadlineMs: 60_000 };

/**
 * 50 deployments on a cluster under 800 requests a second through Fabio, with one instance and with two in turn, with domains that come and go, and with releases in between
 * that are broken: not one failed or wrong request. After a deployment nobody gets the release before.
 */
export async function run(scale: number): Promise<SoakResult> {
  const missing = missingVariables(env);
  if (missing.length > 0) return { counts: {}, problems: [], skipped: `no cluster: ${missing.join(", ")} not set` };
  const deployments = Math.ceil(50 * scale);
  await using harness = await ClusterHarness.open(APP);
  const story = new Story(harness);
  await story.deploy(1);
  await using load = new SteadyLoad({
    address: upstreamsOf(env).visitor,
    host: HOST,
    rate: RATE,
    floor: () => story.live,
    complaint: ({ status, body }, oldest) => story.complaint(status, body, oldest),
  });
  const begin = performance.now();
  try {
    for (let index = 1; index <= deployments; index++) {
      if (index % BROKEN_EVERY === 0) await story.deployBroken();
      await story.deploy(index % 2 === 0 ? 2 : 1, index % OTHER_EVERY === 0);
    }
  } catch (error) {
    story.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await load.stop();
  const kinds = [...load.kinds].map(([kind, count]) => `${count} times ${kind}`);
  return {
    counts: {
      requests: load.requests,
      "a second": Math.round(load.requests / ((performance.now() - begin) / 1000)),
      deployments,
      "broken releases": Math.floor(deployments / BROKEN_EVERY),
      "ms the slowest answer": Math.round(load.slowest),
    },
    problems: [...kinds, ...story.problems, ...load.problems],
  };
}

class Story {
  readonly problems: string[] = [];
  /** What every visitor has been sent to since the last deployment ended. */
  live = 0;
  readonly #harness: ClusterHarness;
  readonly #engine: NomadEngine;
  #newest = 0;

  constructor(harness: ClusterHarness) {
    this.#harness = harness;
    this.#engine = harness.engine();
  }

  async deploy(count: number, hasOther = false): Promise<void> {
    const number = ++this.#newest;
    const domains = hasOther ? [HOST, OTHER_HOST] : [HOST];
    const files = { "index.html": pageOf(number) };
    const release = await this.#harness.release(APP, number, files, { domains, run: { ...RUN, count } });
    await deployRelease(this.#engine, release, (message) => this.problems.push(`release ${number}: ${message}`));
    this.live = number;
    const { status } = await this.#harness.visit(OTHER_HOST, "/");
    if (status !== (hasOther ? 200 : 404)) this.problems.push(`release ${number}: ${OTHER_HOST} answers ${status}`);
  }

  /** One without the page that its check asks for: never to be seen by a visitor. */
  async deployBroken(): Promise<void> {
    const number = ++this.#newest;
    const run = { ...RUN, count: 1 };
    const release = await this.#harness.release(APP, number, { "no-index.html": "-" }, { domains: [HOST], run });
    try {
      await deployRelease(this.#engine, release);
      this.problems.push(`release ${number} went live, though it is broken`);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code !== "CHECK_FAILED") throw error;
    }
  }

  complaint(status: number, body: string, oldest: number): string | undefined {
    if (status !== 200) return `answered ${status} ${body.slice(0, 80)}`;
    const number = Number(/^release (\d+)\n/.exec(body)?.[1]);
    if (body !== pageOf(number)) return "the page is not wholly of one release";
    return number < oldest ? "the release before, after the deployment" : undefined;
  }
}

function pageOf(number: number): string {
  return `release ${number}\n${`it is ${number} `.repeat(200)}\n`;
}
