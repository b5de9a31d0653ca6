import { expect, test } from "vitest";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { UnplacedApps } from "./unplaced-apps.ts";

/** Deploys a release that finds no place, and takes it away: what was said, and after how long it failed, seconds. */
async function fail({ engine, clock }: TestEngine, number: number): Promise<[notes: string[], seconds: number]> {
  const context = testContext();
  await engine.place(testRelease(number), context);
  const begin = clock.monotonic();
  await expect(engine.awaitHealthy(testRelease(number), context)).rejects.toMatchObject({ code: "PLACEMENT_FAILED" });
  const seconds = Math.round((clock.monotonic() - begin) / 1000);
  await engine.abandon(testRelease(number));
  return [context.notes, seconds];
}

test("who asks again for what found no place just before is told soon", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isFull = true;
  const note = "no node has a place for it: too little memory on 1 of 1 node; waiting for a place for up to";
  expect(await fail(one, 1)).toEqual([[`${note} 30 s`], 30]);
  expect(await fail(one, 2)).toEqual([[`${note} 3 s`], 3]);
  // Once it had a place, or long after it, it is waited for as ever.
  one.cluster.nomad.isFull = false;
  one.cluster.nomad.isQuick = true;
  await one.engine.place(testRelease(3), testContext());
  await one.engine.awaitHealthy(testRelease(3), testContext());
  await one.engine.remove("blog");
  one.cluster.nomad.isFull = true;
  expect(await fail(one, 4)).toEqual([[`${note} 30 s`], 30]);
});

test("for another reason, another app, or after a while, a place is waited for as ever", async () => {
  const clock = new FakeClock();
  const unplaced = new UnplacedApps(clock);
  unplaced.failed("blog", "no memory");
  expect([unplaced.patienceMs("blog", "no memory"), unplaced.patienceMs("blog", "no cpu")]).toEqual([3000, 30_000]);
  expect(unplaced.patienceMs("shop", "no memory")).toBe(30_000);
  await clock.advance(600_000);
  expect(unplaced.patienceMs("blog", "no memory")).toBe(30_000);
});
