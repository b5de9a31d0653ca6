import { describe, expect, test } from "vitest";
import { fakeServer } from "../../../../test/support/fake-server.ts";
import { testRun } from "../../../../test/support/test-definition.ts";
import { until } from "../../../../test/support/until.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";

/** An app of which release 1 serves, and release 2 is placed. */
async function withCanaries(change: Parameters<typeof testRelease>[1] = {}): Promise<TestEngine> {
  const one = await testEngine();
  const { engine, cluster } = one;
  cluster.nomad.isQuick = true;
  await engine.place(testRelease(1), testContext());
  await engine.route(testRelease(1), testContext());
  cluster.nomad.isQuick = false;
  await engine.place(testRelease(2, change), testContext());
  return one;
}

const seen = async ({ engine }: TestEngine): Promise<string[]> =>
  (await engine.instances("blog")).map(({ release, routed }) => `${release} ${routed ? "routed" : "placed"}`);

function canaryOf({ cluster }: TestEngine) {
  const canary = cluster.nomad.running("blog").at(-1);
  if (canary === undefined) throw new Error("there is no canary");
  return canary;
}

function ended(times: number): object {
  const event = { Type: "Terminated", DisplayMessage: "Exit Code: 2", Details: { exit_code: "2" } };
  const state = { State: "running", Failed: false, Restarts: times, StartedAt: "2026-11-01T00:00:00Z" };
  return { blog: { ...state, Events: [event] } };
}

describe("what goes wrong with a canary is told as soon as it is known", () => {
  test("a program that ends again and again, with what it wrote", async () => {
    await using one = await withCanaries();
    one.cluster.nomad.change(canaryOf(one), { TaskStates: ended(1) as Record<string, object> });
    const waiting = one.engine.awaitHealthy(testRelease(2), testContext()).catch((error: unknown) => error);
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 5); // once is none
    one.cluster.nomad.change(canaryOf(one), { TaskStates: ended(2) as Record<string, object> });
    expect(await waiting).toMatchObject({
      code: "INSTANCE_FAILED",
      subject: "blog, release 2",
      reason: "blog: it ended with exit code 2, after 2 restarts",
      detail: "it says why\nit says why",
    });
  });

  test("but not by what failed of a job before that was purged, and had the same version", async () => {
    await using one = await testEngine();
    const { engine, cluster } = one;
    await engine.place(testRelease(1), testContext());
    const failed = { ClientStatus: "failed", ClientDescription: "Failed tasks" };
    cluster.nomad.change(canaryOf(one), { ...failed, TaskStates: ended(2) as Record<string, object> });
    await expect(engine.awaitHealthy(testRelease(1), testContext())).rejects.toMatchObject({ code: "INSTANCE_FAILED" });
    await engine.abandon(testRelease(1));
    await engine.place(testRelease(2), testContext());
    const waiting = engine.awaitHealthy(testRelease(2), testContext());
    const looks = one.clock.waits.length;
    await Promise.race([waiting, until(() => one.clock.waits.length > looks + 3)]);
    cluster.nomad.heal("blog");
    await waiting;
  });

  test("one that failed for good, or whose node was lost", async () => {
    for (const [ClientStatus, reason] of [
      ["failed", "Failed tasks"],
      ["lost", "its node node was lost"],
    ] as const) {
      await using one = await withCanaries();
      one.cluster.nomad.change(canaryOf(one), { ClientStatus, ClientDescription: "Failed tasks" });
      await expect(one.engine.awaitHealthy(testRelease(2), testContext())).rejects.toMatchObject({
        code: "INSTANCE_FAILED",
        reason,
      });
    }
  });

  test("a check that is answered wrong, when it still is a second later", async () => {
    await using one = await withCanaries();
    const Output = "HTTP GET http://10.0.0.1:8080/: 500 Internal Server Error Output: oh";
    one.cluster.nomad.change(canaryOf(one), { Output });
    await expect(one.engine.awaitHealthy(testRelease(2), testContext())).rejects.toMatchObject({
      code: "CHECK_FAILED",
      reason: "GET / answered 500, expected 200–399",
    });
  });

  test("an answer that Consul has not told of yet", async () => {
    await using sick = await fakeServer((_, response) => response.writeHead(404).end());
    await using one = await withCanaries();
    const [address = "", port] = sick.host.split(":");
    one.cluster.places.set(canaryOf(one).ID, { address, port: Number(port) });
    one.cluster.nomad.change(canaryOf(one), { Output: "dial tcp: connection refused" });
    await expect(one.engine.awaitHealthy(testRelease(2), testContext())).rejects.toMatchObject({
      code: "CHECK_FAILED",
      reason: "GET / answered 404, expected 200–399",
    });
    expect(sick.seen[0]?.headers.host).toBe("blog.test");
  });

  test("one that Nomad found unhealthy in time, with what its check said last", async () => {
    await using one = await withCanaries();
    one.cluster.nomad.change(canaryOf(one), { Output: "dial tcp 10.0.0.1:8080: connect: connection refused" });
    const waiting = one.engine.awaitHealthy(testRelease(2), testContext()).catch((error: unknown) => error);
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    one.cluster.nomad.change(canaryOf(one), { DeploymentStatus: { Healthy: false, Canary: true } });
    expect(await waiting).toMatchObject({
      code: "CHECK_FAILED",
      reason: "dial tcp 10.0.0.1:8080: connect: connection refused",
    });
  });

  test("a deployment that Nomad gave up, where no instance says why", async () => {
    await using one = await withCanaries();
    one.cluster.nomad.fail(one.cluster.nomad.latest("blog").ID, "Failed due to progress deadline");
    // It has gone back already: what it was is known by its registration.
    await expect(one.engine.awaitHealthy(testRelease(2), testContext())).rejects.toMatchObject({
      code: "NOMAD_JOB_CHANGED",
    });
  });
});

test("that there is no place is told at once, and waited for for half a minute", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isFull = true;
  await one.engine.place(testRelease(1), testContext());
  const context = testContext();
  const begin = one.clock.now();
  await expect(one.engine.awaitHealthy(testRelease(1), context)).rejects.toMatchObject({
    code: "PLACEMENT_FAILED",
    reason: "no node has a place for it: too little memory on 1 of 1 node",
  });
  expect(context.notes).toEqual([
    "no node has a place for it: too little memory on 1 of 1 node; waiting for a place for up to 30 s",
  ]);
  expect(one.clock.now() - begin).toBeGreaterThanOrEqual(30_000);
});

describe("what Consul cannot check Steppe asks each instance itself", () => {
  const check = { path: "/ready", status: [200, 299] as [number, number], contains: "release 2", timeoutMs: 1000 };

  async function asked(bodies: string[]): Promise<{ failure: unknown; asked: number }> {
    await using one = await withCanaries({ check });
    let requests = 0;
    await using server = await fakeServer((_, response) => response.end(bodies[requests++]));
    const [address = "", port] = server.host.split(":");
    const canaries = one.cluster.nomad.running("blog").slice(2);
    for (const { ID } of canaries) one.cluster.places.set(ID, { address, port: Number(port) });
    one.cluster.nomad.heal("blog");
    const failure = await one.engine
      .awaitHealthy(testRelease(2, { check }), testContext())
      .catch((error: unknown) => error);
    return { failure, asked: requests };
  }

  test("and one that answers otherwise fails the release", async () => {
    expect(await asked(["this is release 2", "this is release 2"])).toEqual({ failure: undefined, asked: 2 });
    const { failure } = await asked(["this is release 2", "this is release 1"]);
    expect(failure).toMatchObject({
      code: "CHECK_FAILED",
      reason: 'GET /ready answered 200 without the text "release 2"',
    });
  });

  test("all of them, also those that Consul learns of a moment later", async () => {
    await using one = await withCanaries({ check });
    let requests = 0;
    await using server = await fakeServer((_, response) => {
      requests++;
      response.end("this is release 2");
    });
    const [address = "", port] = server.host.split(":");
    const [first, second] = one.cluster.nomad.running("blog").slice(2);
    if (first === undefined || second === undefined) throw new Error("there are no canaries");
    for (const { ID } of [first, second]) one.cluster.places.set(ID, { address, port: Number(port) });
    one.cluster.nomad.heal("blog");
    one.cluster.hidden.add(second.ID);
    const waiting = one.engine.awaitHealthy(testRelease(2, { check }), testContext());
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    expect(requests).toBe(0);
    one.cluster.hidden.delete(second.ID);
    await waiting;
    expect(requests).toBe(2);
  });
});

describe("a release that proved bad is taken away", () => {
  test("by Nomad's own way back, and what served before serves", async () => {
    await using one = await withCanaries();
    await one.engine.abandon(testRelease(2));
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
    expect(one.cluster.changes.filter((change) => change.includes("/fail/"))).toHaveLength(1);
    expect(one.cluster.changes.filter((change) => change.includes("/revert"))).toEqual([]);
    // It is known what that is: nothing that somebody changed.
    expect(await one.engine.drift(testRelease(1))).toBeUndefined();
    await one.engine.abandon(testRelease(2));
    await one.engine.place(testRelease(3), testContext());
  });

  test("by Steppe where Nomad did not go back", async () => {
    const nomad = { job: {}, group: { Update: { AutoRevert: false } }, task: {}, service: {} };
    await using one = await withCanaries({ nomad });
    await one.engine.abandon(testRelease(2, { nomad }));
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
    expect(one.cluster.changes.filter((change) => change.includes("/revert"))).toHaveLength(1);
    await one.engine.place(testRelease(3), testContext());
  });

  test("also to a version that serves, though it never came to be stable", async () => {
    await using one = await withCanaries();
    for (const version of one.cluster.nomad.jobs.get("blog")?.versions ?? []) version.Stable = false;
    await one.engine.abandon(testRelease(2));
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
  });

  test("and the job with it where nothing was before", async () => {
    await using one = await testEngine();
    await one.engine.place(testRelease(1), testContext());
    await one.engine.abandon(testRelease(1));
    expect(one.cluster.nomad.current("blog")).toBeUndefined();
    expect(await seen(one)).toEqual([]);
    await one.engine.abandon(testRelease(1));
    await one.engine.place(testRelease(1), testContext());
  });

  test("where it was promoted already, since it was stopped a moment too late", async () => {
    await using one = await withCanaries();
    one.cluster.nomad.heal("blog");
    await one.engine.route(testRelease(2), testContext());
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
    const abandoning = one.engine.abandon(testRelease(2));
    // What is gone back to had ended: it comes as canaries, which take over when they are healthy.
    await until(() => one.cluster.nomad.latest("blog").JobVersion === 3);
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    expect(await seen(one)).toEqual(["2 routed", "2 routed", "1 placed", "1 placed"]);
    one.cluster.nomad.heal("blog");
    await abandoning;
    expect([...one.cluster.services.keys()]).toEqual([]);
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
    await one.engine.route(testRelease(1), testContext());
    expect(await seen(one)).toEqual(["1 routed", "1 routed"]);
  });

  test("and is placed anew when it is tried again: Nomad would make no deployment of the same once more", async () => {
    await using one = await withCanaries();
    one.cluster.nomad.fail(one.cluster.nomad.latest("blog").ID);
    await one.engine.place(testRelease(2), testContext());
    await one.engine.abandon(testRelease(2));
    one.cluster.nomad.isQuick = true;
    await one.engine.place(testRelease(2), testContext());
    await one.engine.awaitHealthy(testRelease(2), testContext());
    await one.engine.route(testRelease(2), testContext());
    expect(await seen(one)).toEqual(["2 routed", "2 routed"]);
  });

  test("what was never placed is not, nor what another release became of the job", async () => {
    await using one = await withCanaries();
    const before = [...one.cluster.changes];
    await one.engine.abandon(testRelease(3));
    expect(one.cluster.changes).toEqual(before);
    expect(await seen(one)).toEqual(["1 routed", "1 routed", "2 placed", "2 placed"]);
  });
});

describe("an app that is removed", () => {
  test("is stopped, and its routes are gone; once more is as good", async () => {
    await using one = await withCanaries();
    await one.engine.remove("blog");
    expect(one.cluster.nomad.current("blog")).toBeUndefined();
    expect([await seen(one), one.table.get("blog")]).toEqual([[], undefined]);
    await one.engine.remove("blog");
  });

  test("waits for the end of its instances, but not for one whose node does not tell of it", async () => {
    await using one = await withCanaries();
    const [first] = one.cluster.nomad.running("blog");
    one.cluster.nomad.isSlow = true;
    let isOver = false;
    const removing = one.engine.remove("blog").then(() => (isOver = true));
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    expect(isOver).toBe(false);
    one.cluster.nomad.finish("blog");
    if (first !== undefined) one.cluster.nomad.change(first, { ClientStatus: "unknown" });
    await removing;
  });

  describe("is none of Steppe's if somebody else made the job of that name", () => {
    const foreign = { ID: "blog", TaskGroups: [{ Name: "web" }] };

    test("before it came", async () => {
      await using one = await testEngine();
      one.cluster.nomad.register(foreign);
      await one.engine.remove("blog");
      expect(one.cluster.nomad.current("blog")?.Version).toBe(0);
    });

    test("anew, after they had removed the app's", async () => {
      await using one = await withCanaries();
      one.cluster.nomad.stop("blog", true);
      one.cluster.nomad.register(foreign);
      await one.engine.remove("blog");
      expect([one.cluster.nomad.current("blog")?.Version, one.table.get("blog")]).toEqual([0, undefined]);
    });

    test("and it was taken over, but never deployed since, or gone back to", async () => {
      await using one = await testEngine();
      one.cluster.nomad.isQuick = true;
      one.cluster.nomad.register(foreign);
      await one.engine.adopt("blog", "blog");
      expect(await one.engine.removal("blog")).toEqual({ job: "blog", isStopped: false });
      await one.engine.remove("blog");
      expect([one.cluster.nomad.current("blog")?.Version, one.table.get("blog")]).toEqual([0, undefined]);
      await one.engine.adopt("blog", "blog");
      await one.engine.place(testRelease(1), testContext());
      expect(await one.engine.removal("blog")).toEqual({ job: "blog", isStopped: true });
      await one.engine.abandon(testRelease(1));
      await one.engine.remove("blog");
      expect(one.cluster.nomad.current("blog")).toMatchObject({ Stop: false, TaskGroups: [{ Name: "web" }] });
      expect(await one.engine.removal("shop")).toBeUndefined();
    });
  });
});

test("a person who promotes what is not healthy is told so", async () => {
  const run = { ...testRun, count: 2, promote: "manual" } as const;
  await using one = await withCanaries({ run });
  await expect(one.engine.promote("blog")).rejects.toMatchObject({ code: "NOMAD_DEPLOYMENT_UNREADY" });
});
