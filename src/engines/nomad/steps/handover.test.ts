import { expect, test } from "vitest";
import { until } from "../../../../test/support/until.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import type { ServiceHealth } from "../../../consul/index.ts";
import { FakeClock } from "../../../shared/clock.ts";
import type { Unsettled } from "../fabio/fabio-views.ts";
import { beginHandover } from "./handover.ts";
import { StandIns } from "./stand-ins.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";

/** An app of which release 1 serves, and the canaries of release 2 are healthy. */
async function beforeHandover(): Promise<TestEngine> {
  const one = await testEngine();
  one.cluster.nomad.isQuick = true;
  await one.engine.place(testRelease(1), testContext());
  await one.engine.route(testRelease(1), testContext());
  await one.engine.place(testRelease(2), testContext());
  return one;
}

const standIns = ({ cluster }: TestEngine): string[] => [...cluster.services.keys()];
const promotions = ({ cluster }: TestEngine): number =>
  cluster.changes.filter((change) => change.includes("/promote/")).length;

test("visitors are sent to the canaries before they are promoted, and what stood in for them is gone after it", async () => {
  await using one = await beforeHandover();
  const at: string[][] = [];
  one.cluster.onRequest = (request) => {
    if (request.includes("/promote/")) at.push(standIns(one));
    return "answered";
  };
  await one.engine.route(testRelease(2), testContext());
  expect(at).toEqual([["steppe-handover-blog-2-0", "steppe-handover-blog-2-1"]]);
  expect(standIns(one)).toEqual([]);
});

test("what a process left that died in the middle is taken away", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  for (const app of ["blog", "shop"]) one.cluster.services.set(`${app}-left`, leftOf(app));
  await one.engine.place(testRelease(1), testContext());
  await one.engine.route(testRelease(1), testContext());
  expect(standIns(one)).toEqual(["shop-left"]);
});

test("a Fabio whose routes stay as they are fails the release: its visitors would find nobody", async () => {
  await using one = await beforeHandover();
  one.cluster.isFrozen = true;
  await expect(one.engine.route(testRelease(2), testContext())).rejects.toMatchObject({ code: "FABIO_STALE" });
  expect([promotions(one), standIns(one)]).toEqual([0, []]);
  await one.engine.abandon(testRelease(2));
  expect((await one.engine.instances("blog")).map(({ release, routed }) => [release, routed])).toEqual([
    [1, true],
    [1, true],
  ]);
});

test("a Fabio that cannot be asked may serve all the same: that is told", async () => {
  await using one = await beforeHandover();
  one.cluster.onRequest = (request) => (request === "GET /api/routes" ? "unheard" : "answered");
  const context = testContext();
  await one.engine.route(testRelease(2), context);
  expect(promotions(one)).toBe(1);
  expect(context.notes.length).toBeGreaterThan(0);
  expect(context.notes.every((note) => note.includes("cannot be asked for its routes"))).toBe(true);
});

test("canaries that Consul does not have yet are waited for", async () => {
  await using one = await beforeHandover();
  const canary = one.cluster.nomad.running("blog").at(-1)?.ID ?? "";
  one.cluster.hidden.add(canary);
  const routing = one.engine.route(testRelease(2), testContext());
  const looks = one.clock.waits.length;
  await until(() => one.clock.waits.length > looks + 3);
  expect([promotions(one), standIns(one)]).toEqual([0, []]);
  one.cluster.hidden.delete(canary);
  await routing;
});

test("an app is removed with what stands in for it", async () => {
  await using one = await testEngine();
  one.cluster.services.set("blog-left", leftOf("blog"));
  await one.engine.remove("blog");
  expect(standIns(one)).toEqual([]);
});

test("what stands in for canaries passes as long as Fabio takes to send visitors there", async () => {
  await using consul = await fakeConsul(({ method }, response) => response.end(method === "GET" ? "{}" : ""));
  const kept = (): number => consul.seen.filter(({ target }) => target.includes("/check/update/")).length;
  const clock = new FakeClock();
  const waited = Promise.withResolvers<Unsettled[]>();
  const seen: AbortSignal[] = [];
  const settled = (_: unknown, signal: AbortSignal) => (seen.push(signal), waited.promise);
  const parts = { standIns: new StandIns(consul.consul, clock), fabio: { settled }, tagPrefix: "urlprefix-" };
  const service = { name: "blog", group: "blog", tags: ["urlprefix-blog.test/"], canaryTags: ["canary"] };
  const instance = { id: "canary", name: "blog", address: "127.0.0.1", port: 80, tags: ["canary"], meta: {} };
  const canary: ServiceHealth = {
    instance: { ...instance, node: "node", createIndex: 1n, modifyIndex: 1n },
    checks: [],
    status: "passing",
  };
  const beginning = beginHandover(parts, testRelease(2), [service], [canary], testContext());
  // Their TTL is half a minute, and a busy Fabio may take a whole one.
  for (let at = 1; at <= 11; at++) {
    await until(() => clock.sleeping === 1);
    await clock.advance(5000);
    await until(() => kept() === at);
  }
  waited.resolve([]);
  await beginning;
  expect([clock.sleeping, seen[0]?.aborted]).toEqual([0, true]);
});

function leftOf(app: string) {
  const place = { address: "127.88.0.1", port: 1 };
  return { id: `${app}-left`, name: app, ...place, tags: [`urlprefix-${app}.test/`], meta: { steppe_handover: app } };
}
