import { describe, expect, test } from "vitest";
import { testInstance } from "../../../../test/support/cluster-things.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { RegistrationWait } from "./registration-wait.ts";

/** An app of which release 1 serves, and the canaries of release 2 are healthy; Consul does not get one of them. */
async function withHiddenCanary(change: Parameters<typeof testRelease>[1] = {}) {
  const one = await testEngine();
  const { engine, cluster } = one;
  cluster.nomad.isQuick = true;
  await engine.place(testRelease(1), testContext());
  await engine.route(testRelease(1), testContext());
  const release = testRelease(2, change);
  await engine.place(release, testContext());
  const canary = cluster.nomad.running("blog").at(-1)?.ID ?? "";
  cluster.hidden.add(canary);
  const reason = `the instance ${canary.slice(0, 8)} on the node node is still not in Consul as the service blog 180 s after Nomad called it healthy`;
  const hint = expect.stringContaining("see whether Consul's agent runs") as string;
  return { ...one, canary, release, failure: { code: "CHECK_FAILED", subject: "blog, release 2", reason, hint } };
}

const seen = async ({ engine }: Pick<TestEngine, "engine">): Promise<string[]> =>
  (await engine.instances("blog")).map(({ release, routed }) => `${release} ${routed ? "routed" : "placed"}`);

describe("an instance that Nomad calls healthy, and Consul never gets", () => {
  test("fails the release before it has visitors, and says where to look", async () => {
    await using one = await withHiddenCanary();
    const begin = one.clock.now();
    await expect(one.engine.route(one.release, testContext())).rejects.toMatchObject(one.failure);
    expect(one.clock.now() - begin).toBeGreaterThanOrEqual(180_000);
    expect(one.clock.now() - begin).toBeLessThan(182_000);
    one.cluster.hidden.clear();
    await one.engine.abandon(one.release);
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
  });

  test("as well while it is to be asked for what Consul cannot check", async () => {
    const { check } = testRelease(1).definition;
    await using one = await withHiddenCanary({ check: { ...check, contains: "blog" } });
    await expect(one.engine.awaitHealthy(one.release, testContext())).rejects.toMatchObject(one.failure);
  });

  test("and after it was promoted, or without its routes", async () => {
    await using one = await withHiddenCanary();
    const { cluster, canary, failure } = one;
    cluster.hidden.clear();
    cluster.onRequest = (request) => {
      if (request.includes("/promote/")) cluster.hidden.add(canary);
      return "answered";
    };
    await expect(one.engine.route(one.release, testContext())).rejects.toMatchObject(failure);
  });
});

test("time in which Consul does not answer does not count", async () => {
  await using one = await withHiddenCanary();
  const { cluster, clock, canary } = one;
  const begin = clock.now();
  let awayUntil = 0;
  cluster.onRequest = (request) => {
    const passed = clock.now() - begin;
    if (passed > 100_000 && awayUntil === 0) awayUntil = passed + 50_000;
    if (passed > awayUntil + 100_000) cluster.hidden.delete(canary);
    return request.includes("/health/service/") && passed > 100_000 && passed < awayUntil ? "unheard" : "answered";
  };
  await one.engine.route(one.release, testContext());
  expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
  expect(clock.now() - begin).toBeGreaterThan(250_000);
});

describe("how long is waited", () => {
  const [instance, other] = [testInstance({ id: "one" }), testInstance({ id: "other" })];
  const unfound = [{ instance, service: "blog" }];

  function wait() {
    const clock = new FakeClock();
    const registration = new RegistrationWait(testRelease(2), clock);
    const look = async (ms: number, missing = unfound): Promise<void> => {
      await clock.advance(ms);
      registration.look(missing, []);
    };
    return { look };
  }

  test("a look that was held up counts as one", async () => {
    const { look } = wait();
    await look(0);
    await look(600_000);
    for (let at = 0; at < 34; at++) await look(5000);
    await expect(look(5000)).rejects.toMatchObject({ code: "CHECK_FAILED" });
  });

  test("each is waited for by itself, and one that was there meanwhile anew", async () => {
    const { look } = wait();
    await look(0);
    for (let at = 0; at < 35; at++) await look(5000);
    await look(5000, [{ instance: other, service: "blog" }]);
    for (let at = 0; at < 36; at++) await look(5000);
    await expect(look(5000)).rejects.toMatchObject({ code: "CHECK_FAILED" });
  });
});
