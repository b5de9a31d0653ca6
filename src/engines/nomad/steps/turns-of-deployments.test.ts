import { beforeEach, expect, test } from "vitest";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { testRun } from "../../../../test/support/test-definition.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import { until } from "../../../../test/support/until.ts";

/** With one deployment at a time, this one is on its way. */
const first = testRelease(1);
const other = testRelease(1, { name: "shop", domains: ["shop.test"] });

async function onItsWay(): Promise<TestEngine> {
  const one = await testEngine(new ImpatientClock(), { mostAtOnce: 1 });
  one.cluster.nomad.isQuick = true;
  await one.engine.place(first, testContext());
  return one;
}

/** Another app's deployment, which is told that it waits. */
async function waiting({ engine, cluster }: TestEngine): Promise<{ placed: Promise<void> }> {
  const told: string[] = [];
  const placed = engine.place(other, { ...testContext(), progress: (message) => void told.push(message) });
  await until(() => told.length > 0);
  expect(told).toEqual(["waits for other deployments on the cluster"]);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(cluster.nomad.running("shop")).toEqual([]);
  return { placed };
}

let one: TestEngine;

beforeEach(async () => {
  one = await onItsWay();
  return () => one[Symbol.asyncDispose]();
});

test("a deployment waits until the one before it is live", async () => {
  const { placed } = await waiting(one);
  await one.engine.awaitHealthy(first, testContext());
  expect(one.cluster.nomad.running("shop")).toEqual([]);
  await one.engine.route(first, testContext());
  await placed;
});

test("or has failed", async () => {
  const { placed } = await waiting(one);
  const stopped = testContext(AbortSignal.abort(new Error("a newer one came")));
  await expect(one.engine.awaitHealthy(first, stopped)).rejects.toThrow("a newer one came");
  await placed;
});

test("or is taken away", async () => {
  const { placed } = await waiting(one);
  await one.engine.abandon(first);
  await placed;
});

test("or waits for a person", async () => {
  await one.engine.route(first, testContext());
  const asked = testRelease(2, { run: { ...testRun, count: 2, promote: "manual" } });
  await one.engine.place(asked, testContext());
  const { placed } = await waiting(one);
  const context = testContext();
  const routing = one.engine.route(asked, context);
  await placed;
  expect(context.waits).toEqual([true]);
  await one.engine.promote("blog");
  await routing;
});

test("what goes back waits for none", async () => {
  await one.engine.place(other, { ...testContext(), isUrgent: true });
});
