import { describe, expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
import { until } from "../../../../test/support/until.ts";
import { testRun } from "../../../../test/support/test-definition.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import { hasRoutes } from "../job/services-of.ts";

/** Takes a release live; its instances are well as soon as they are asked for. */
async function deploy({ engine, cluster }: TestEngine, number: number, context = testContext()): Promise<void> {
  const release = testRelease(number);
  await engine.place(release, context);
  cluster.nomad.heal("blog");
  await engine.awaitHealthy(release, context);
  await engine.route(release, context);
  await engine.retire(release, context);
}

const registrations = ({ cluster }: TestEngine): number =>
  cluster.changes.filter((change) => change === "POST /v1/jobs").length;

const seen = async ({ engine }: TestEngine): Promise<string[]> =>
  (await engine.instances("blog")).map(({ release, routed }) => `${release} ${routed ? "routed" : "placed"}`);

describe("the first deployment of an app", () => {
  test("comes without routes, and gets them when it has proved healthy", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    const release = testRelease(1);
    await engine.place(release, testContext());
    expect(cluster.nomad.current("blog")).toMatchObject({ Version: 0, Stable: false });
    expect(hasRoutes(cluster.nomad.current("blog") ?? { ID: "" }, "urlprefix-")).toBe(false);
    expect(await seen(one)).toEqual(["1 placed", "1 placed"]);
    cluster.nomad.heal("blog");
    await engine.awaitHealthy(release, testContext());
    await engine.route(release, testContext());
    // Nomad may go back to it at once, though its deployment goes on.
    expect(cluster.nomad.current("blog")).toMatchObject({ Version: 1, Stable: true });
    expect(cluster.nomad.latest("blog").Status).toBe("running");
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
    cluster.nomad.heal("blog");
    await engine.retire(release, testContext());
    expect(cluster.nomad.latest("blog").Status).toBe("successful");
    expect(registrations(one)).toBe(2);
  });

  test("keeps its instances though another version of Steppe placed it, which made its job otherwise", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    await engine.place(testRelease(1), testContext());
    Object.assign(cluster.nomad.current("blog") ?? {}, { Priority: 70 });
    const placed = cluster.nomad.running("blog").map(({ ID }) => ID);
    cluster.nomad.heal("blog");
    await engine.route(testRelease(1), testContext());
    expect(cluster.nomad.current("blog")).toMatchObject({ Version: 1, Priority: 70 });
    expect(cluster.nomad.running("blog").map(({ ID }) => ID)).toEqual(placed);
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
  });

  test("whose routes were added by a process that died before it knew goes on, and the next one as well", async () => {
    await using one = await testEngine();
    const { engine, cluster, table } = one;
    await engine.place(testRelease(1), testContext());
    const known = table.get("blog");
    cluster.nomad.heal("blog");
    await engine.route(testRelease(1), testContext());
    if (known !== undefined) table.set(known);
    cluster.nomad.heal("blog");
    await engine.route(testRelease(1), testContext());
    expect(registrations(one)).toBe(2);
    expect(await engine.drift(testRelease(1))).toBeUndefined();
    await engine.place(testRelease(2), testContext());
    expect(cluster.nomad.current("blog")?.Meta?.["steppe_release"]).toBe("2");
  });
});

describe("a new release", () => {
  test("comes as canaries beside what serves, and takes over when Steppe promotes it", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    cluster.nomad.isQuick = false;
    await engine.place(testRelease(2), testContext());
    expect(await seen(one)).toEqual(["1 routed", "1 routed", "2 placed", "2 placed"]);
    cluster.nomad.heal("blog");
    await engine.awaitHealthy(testRelease(2), testContext());
    expect(cluster.changes.filter((change) => change.includes("promote"))).toEqual([]);
    await engine.route(testRelease(2), testContext());
    await engine.retire(testRelease(2), testContext());
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
    expect(cluster.changes.filter((change) => change.includes("promote"))).toHaveLength(1);
    // What stood in for the canaries is gone.
    expect([...cluster.services.keys()]).toEqual([]);
  });

  test("that is promoted by somebody else at the same moment is as good", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    await engine.place(testRelease(2), testContext());
    cluster.onRequest = (request) => {
      if (request.includes("/promote/")) cluster.nomad.promote(cluster.nomad.latest("blog").ID);
      return "answered";
    };
    await engine.route(testRelease(2), testContext());
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
  });

  test("waits for a person where the app says so", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    const release = testRelease(2, { run: { ...testRun, count: 2, promote: "manual" } });
    const context = testContext();
    await engine.place(release, context);
    const routing = engine.route(release, context);
    await until(() => context.waits.length > 0);
    expect(await seen(one)).toEqual(["1 routed", "1 routed", "2 placed", "2 placed"]);
    await engine.promote("blog");
    await routing;
    expect(context.waits).toEqual([true, false]);
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
    await expect(engine.promote("blog")).rejects.toMatchObject({ code: "NOMAD_DEPLOYMENT_OVER" });
  });

  test("that a person promotes on Nomad itself goes on", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    const release = testRelease(2, { run: { ...testRun, count: 2, promote: "manual" } });
    const context = testContext();
    await engine.place(release, context);
    const routing = engine.route(release, context);
    await until(() => context.waits.length > 0);
    cluster.nomad.promote(cluster.nomad.latest("blog").ID);
    await routing;
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
  });

  test("waits until the instances before it have ended; one whose node does not tell of it aside", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    const [first] = cluster.nomad.running("blog");
    cluster.nomad.isSlow = true;
    await engine.place(testRelease(2), testContext());
    await engine.route(testRelease(2), testContext());
    let isOver = false;
    const retiring = engine.retire(testRelease(2), testContext()).then(() => (isOver = true));
    const looks = (): number => one.clock.waits.length;
    const before = looks();
    await until(() => looks() > before + 5);
    expect(isOver).toBe(false);
    cluster.nomad.finish("blog");
    if (first !== undefined) cluster.nomad.change(first, { ClientStatus: "unknown" });
    await retiring;
  });

  test("does not wait for them where somebody goes back, but until Nomad knows it as one to go back to", async () => {
    await using one = await testEngine();
    const { engine, cluster, clock } = one;
    const hurry = new AbortController();
    let isOver = false;
    await engine.place(testRelease(1), testContext());
    cluster.nomad.heal("blog");
    await engine.route(testRelease(1), testContext());
    const first = engine.retire(testRelease(1), { ...testContext(), hurry: hurry.signal }).then(() => (isOver = true));
    hurry.abort();
    const before = clock.waits.length;
    await until(() => clock.waits.length > before + 5);
    expect([isOver, cluster.nomad.latest("blog").Status]).toEqual([false, "running"]);
    cluster.nomad.heal("blog");
    await first;

    const next = new AbortController();
    const context = { ...testContext(), hurry: next.signal };
    cluster.nomad.isQuick = true;
    cluster.nomad.isSlow = true;
    await engine.place(testRelease(2), context);
    await engine.route(testRelease(2), context);
    const second = engine.retire(testRelease(2), context);
    next.abort();
    const begin = clock.monotonic();
    await second;
    expect(clock.monotonic() - begin).toBeLessThan(60_000);
    expect(context.notes).toEqual([]);
    // Those that go on to end are none of the next release's.
    await deploy(one, 3);
    expect(await seen(one)).toEqual(["3 routed", "3 routed"]);
  });

  test("waits no longer for one that does not end than it may take, and says which it is and where", async () => {
    await using one = await testEngine();
    const { engine, cluster, clock } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    const [first] = cluster.nomad.running("blog");
    cluster.nomad.isSlow = true;
    const context = testContext();
    const release = testRelease(2, { run: { ...testRun, count: 2, shutdownDelayMs: 5 * 60_000 } });
    await engine.place(release, context);
    await engine.route(release, context);
    const begin = clock.monotonic();
    await engine.retire(release, context);
    expect(clock.monotonic() - begin).toBeGreaterThanOrEqual(15 * 60_000);
    expect(context.notes).toEqual([
      expect.stringContaining(`what served before does not end: instance ${first?.ID} on the node`),
    ]);
  });
});

test("a release that was deployed before is gone back to though a new one would be refused as it is", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  await deploy(one, 1);
  const release = testRelease(2, { nomad: { job: {}, group: {}, task: {}, service: { Checks: null } } });
  expect(fault(() => one.engine.validate(release.definition)).code).toBe("CONFIG_INVALID");
  await expect(one.engine.place(release, testContext())).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(one.engine.plan(release)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await one.engine.route(release, { ...testContext(), isFormer: true });
  expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
  expect(await one.engine.drift(release)).toBeUndefined();
});

describe("every step may be taken again", () => {
  test("and changes nothing then", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    await engine.place(testRelease(2), testContext());
    for (const _ of [1, 2]) {
      await engine.place(testRelease(2), testContext());
      await engine.awaitHealthy(testRelease(2), testContext());
    }
    expect(registrations(one)).toBe(3);
    await engine.route(testRelease(2), testContext());
    const changes = [...cluster.changes];
    for (const _ of [1, 2]) {
      await engine.place(testRelease(2), testContext());
      await engine.awaitHealthy(testRelease(2), testContext());
      await engine.route(testRelease(2), testContext());
      await engine.retire(testRelease(2), testContext());
    }
    expect(cluster.changes).toEqual(changes);
  });

  test("though the answer to it was lost: nothing is registered twice", async () => {
    await using one = await testEngine();
    const { cluster } = one;
    cluster.nomad.isQuick = true;
    let lost = 0;
    cluster.onRequest = (request) => {
      const isChange = request === "POST /v1/jobs" || request.includes("/promote/");
      return isChange && lost++ % 2 === 0 ? "answer lost" : "answered";
    };
    const context = testContext();
    await deploy(one, 1, context);
    await deploy(one, 2, context);
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
    expect(cluster.nomad.jobs.get("blog")?.versions.map(({ Version }) => Version)).toEqual([0, 1, 2]);
    expect(context.notes.every((note) => note.includes("waiting for it for up to 2 minutes"))).toBe(true);
  });

  test("while Nomad or Consul is away for a while", async () => {
    await using one = await testEngine();
    const { cluster } = one;
    cluster.nomad.isQuick = true;
    let requests = 0;
    cluster.onRequest = () => (requests++ % 40 < 20 ? "unheard" : "answered");
    await deploy(one, 1);
    await deploy(one, 2);
    cluster.onRequest = () => "answered";
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
  });

  test("and is given up when Nomad stays away", async () => {
    await using one = await testEngine();
    one.cluster.onRequest = () => "unheard";
    const begin = one.clock.now();
    const context = testContext();
    await expect(one.engine.place(testRelease(1), context)).rejects.toMatchObject({ code: "NOMAD_UNREACHABLE" });
    expect(one.clock.now() - begin).toBeGreaterThanOrEqual(120_000);
    expect(context.notes).toHaveLength(1);
  });
});

describe("a signal that says stop", () => {
  const reason = new Error("superseded");

  test.each(["place", "awaitHealthy", "route", "retire"] as const)("ends %s before it begins", async (step) => {
    await using one = await testEngine();
    one.cluster.nomad.isQuick = true;
    await deploy(one, 1);
    const changes = [...one.cluster.changes];
    const stopped = testContext(AbortSignal.abort(reason));
    await expect(one.engine[step](testRelease(step === "place" ? 2 : 1), stopped)).rejects.toBe(reason);
    expect(one.cluster.changes).toEqual(changes);
  });

  test.each(["awaitHealthy", "route"] as const)("ends %s while it waits", async (step) => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    cluster.nomad.isQuick = true;
    await deploy(one, 1);
    cluster.nomad.isQuick = false;
    const release = testRelease(2, { run: { ...testRun, count: 2, promote: "manual" } });
    await engine.place(release, testContext());
    const stop = new AbortController();
    const waiting = engine[step](release, testContext(stop.signal)).catch((error: unknown) => error);
    const before = one.clock.waits.length;
    await until(() => one.clock.waits.length > before + 5);
    stop.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await seen(one)).toEqual(["1 routed", "1 routed", "2 placed", "2 placed"]);
  });
});
