import { expect, test } from "vitest";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import { until } from "../../../../test/support/until.ts";
import type { ReleaseSpec } from "../../engine.ts";

const APPS = 50;

/** Time stands still: who looks again and again looks when others have had their turn, and who waits for long waits for ever. */
class StillClock extends ImpatientClock {
  override sleep(ms: number, options: { signal?: AbortSignal | undefined; unref?: boolean } = {}): Promise<void> {
    if (options.unref === true || ms >= 5000) return super.sleep(ms, { ...options, unref: true });
    return new Promise((resolve) => setImmediate(resolve));
  }
}

interface Counted extends TestEngine {
  /** How often each kind of request came since this was called last: `GET /v1/job/*`. */
  takeCounts(): Record<string, number>;
}

async function counted(): Promise<Counted> {
  const one = await testEngine(new StillClock());
  const counts = new Map<string, number>();
  one.cluster.onRequest = (request) => {
    const kind = request.replace(/(app-|00000000-|steppe-handover-)[^/]*/, "*");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return "answered";
  };
  const stop = new AbortController();
  const running = one.engine.run(stop.signal);
  await until(() => one.cluster.isFollowed);
  counts.clear();
  return {
    ...one,
    takeCounts() {
      const taken = Object.fromEntries(counts);
      counts.clear();
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error("the end"));
      await running;
      await one[Symbol.asyncDispose]();
    },
  };
}

/** As the deployer does it: what is placed may have been placed by a process that died. */
async function deploy({ engine }: TestEngine, release: ReleaseSpec): Promise<void> {
  await engine.place(release, testContext());
  await engine.place(release, testContext());
  await engine.awaitHealthy(release, testContext());
  await engine.route(release, testContext());
  await engine.retire(release, testContext());
}

function release(at: number, number: number): ReleaseSpec {
  const { definition } = testRelease(number);
  return testRelease(number, { name: `app-${at}`, domains: [`app-${at}.test`], run: { ...definition.run, count: 1 } });
}

test("many deployments at once ask little each, and nothing waits for each of them", async () => {
  await using one = await counted();
  one.cluster.nomad.isQuick = true;
  for (const number of [1, 2]) {
    await Promise.all(Array.from({ length: APPS }, (_, at) => deploy(one, release(at, number))));
    const counts = one.takeCounts();
    const each = Object.fromEntries(Object.entries(counts).map(([kind, times]) => [kind, times / APPS]));
    // What is there is asked for once; all else is told.
    expect(each).toMatchObject({
      "GET /v1/job/*/deployments": 1,
      "GET /v1/job/*/allocations": 1,
      "GET /v1/job/*/evaluations": 1,
    });
    // A first deployment registers its job twice: without and with its routes.
    expect(each["GET /v1/job/*"]).toBeLessThanOrEqual(number === 1 ? 2 : 1);
    expect(each["POST /v1/jobs"]).toBe(number === 1 ? 2 : 1);
    expect(each["GET /v1/health/service/*"]).toBeLessThanOrEqual(4);
    // One answer is for all who wait.
    expect(counts["GET /v1/catalog/services"]).toBeLessThanOrEqual(APPS);
    expect(counts["GET /v1/agent/services"] ?? 0).toBe(number === 1 ? 1 : 0);
    // The stream is there, and of checks there is one query, which is asked again when there is something new.
    expect(counts["GET /v1/event/stream"]).toBeUndefined();
    expect(one.cluster.mostFollowers).toEqual({ events: 1, checks: 1 });
  }
  expect((await one.engine.instances()).filter(({ release, routed }) => release === 2 && routed)).toHaveLength(APPS);
});

test("what events told is not held against what was changed meanwhile", async () => {
  await using one = await counted();
  const { cluster, engine } = one;
  cluster.nomad.isQuick = true;
  await deploy(one, release(0, 1));
  await engine.place(release(0, 2), testContext());
  // By somebody else: the release that is being deployed is not there any more.
  cluster.nomad.revert("app-0", 1, undefined);
  await expect(engine.route(release(0, 2), testContext())).rejects.toMatchObject({ code: "NOMAD_JOB_CHANGED" });
});

test("a job that was forgotten is made anew", async () => {
  await using one = await counted();
  const { cluster } = one;
  cluster.nomad.isQuick = true;
  await deploy(one, release(0, 1));
  cluster.nomad.stop("app-0", true);
  await deploy(one, release(0, 2));
  expect(cluster.nomad.running("app-0")).toHaveLength(1);
});
