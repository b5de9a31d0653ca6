import { expect, test } from "vitest";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import { until } from "../../../../test/support/until.ts";
import type { ReleaseSpec } from "../../engine.ts";

/** Who waits for long waits for ever: for whatever happens somebody has to be woken. Between looks at Consul or Fabio it does not wait. */
class EventClock extends ImpatientClock {
  override sleep(ms: number, options: { signal?: AbortSignal | undefined; unref?: boolean } = {}): Promise<void> {
    return super.sleep(ms, { ...options, unref: options.unref === true || ms >= 500 });
  }
}

interface Followed extends TestEngine {
  /** How often all that a job has was asked for. */
  refreshes: () => number;
}

async function followed(): Promise<Followed> {
  const one = await testEngine(new EventClock());
  let refreshes = 0;
  one.cluster.onRequest = (request) => {
    if (request.endsWith("/evaluations")) refreshes++;
    return "answered";
  };
  const stop = new AbortController();
  const running = one.engine.run(stop.signal);
  await until(() => one.cluster.isFollowed);
  const dispose = async (): Promise<void> => {
    stop.abort(new Error("the end"));
    await running;
    await one[Symbol.asyncDispose]();
  };
  return { ...one, refreshes: () => refreshes, [Symbol.asyncDispose]: dispose };
}

/** Begins to wait until a release is healthy; `looked` resolves when it was looked at once. */
function begun({ engine }: TestEngine, release: ReleaseSpec): { healthy: Promise<void>; looked: Promise<void> } {
  const looked = Promise.withResolvers<void>();
  const context = { ...testContext(), progress: () => looked.resolve() };
  return { healthy: engine.awaitHealthy(release, context), looked: looked.promise };
}

test("with the cluster followed, a deployment asks once for all, and each step is woken by what happens then", async () => {
  await using one = await followed();
  const { engine, cluster } = one;
  for (const number of [1, 2]) {
    const release = testRelease(number);
    cluster.nomad.isSlow = true;
    await engine.place(release, testContext());
    const { healthy, looked } = begun(one, release);
    await looked;
    cluster.nomad.heal("blog");
    await healthy;
    await engine.route(release, testContext());
    const retired = engine.retire(release, testContext());
    cluster.nomad.heal("blog");
    cluster.nomad.finish("blog");
    await retired;
  }
  expect((await engine.instances("blog")).map(({ release, routed }) => [release, routed])).toEqual([
    [2, true],
    [2, true],
  ]);
  expect(one.refreshes()).toBe(2);
});

test("an instance that fails, a person who promotes, and the end of an app are told", async () => {
  await using one = await followed();
  const { engine, cluster } = one;
  cluster.nomad.isQuick = true;
  await engine.place(testRelease(1), testContext());
  await engine.route(testRelease(1), testContext());
  cluster.nomad.isQuick = false;
  await engine.place(testRelease(2), testContext());
  const { healthy, looked } = begun(one, testRelease(2));
  const failing = healthy.catch((error: unknown) => error);
  await looked;
  const canary = cluster.nomad.running("blog").at(-1);
  if (canary !== undefined) cluster.nomad.change(canary, { ClientStatus: "failed" });
  expect(await failing).toMatchObject({ code: "INSTANCE_FAILED" });
  await engine.abandon(testRelease(2));
  await engine.remove("blog");
  expect(cluster.nomad.running("blog")).toEqual([]);
});
