import { expect, test } from "vitest";
import { SteppeError } from "../shared/errors.ts";
import type { ClusterService } from "./api-options.ts";
import { definition } from "./fake-deployer.ts";
import { startApi } from "./fakes.ts";
import type { DriftView } from "./types.ts";

const drift: DriftView = { app: "blog", job: "blog", version: 3, changedAt: 7, since: "registered", changes: null };

/** A cluster on which somebody changed the job of `blog`, that writes down what it was asked. */
function fakeCluster(): ClusterService & { calls: unknown[][] } {
  const calls: unknown[][] = [];
  return {
    calls,
    plan: async (app, what) => {
      calls.push(["plan", app, what]);
      return {
        app,
        job: app,
        release: null,
        image: "sha256:1",
        changes: null,
        updates: {},
        unplaced: {},
        warnings: [],
      };
    },
    drift: async (app) => (app === "blog" ? drift : undefined),
    drifts: async () => [drift],
    drifted: async (app) => {
      calls.push(["drifted", app]);
      return new Set(["blog"]);
    },
    overwriteDrift: async (app) => {
      calls.push(["overwriteDrift", app]);
      return app === "blog" ? drift : undefined;
    },
    adopt: async (request) => {
      calls.push(["adopt", request]);
      const { job, take = null } = request;
      return { app: job, job, definition, image: "team/blog:v1", changes: null, notes: [], taken: take };
    },
    removal: async (app) => ({ app, job: app, isStopped: true }),
    doctor: async () => ({ checks: [] }),
  };
}

test("a server without a cluster says so, and no app says whether its job was changed", async () => {
  await using it = await startApi();
  for (const [method, path] of [
    ["GET", "/v1/apps/blog/plan"],
    ["GET", "/v1/apps/blog/drift"],
    ["POST", "/v1/apps/blog/drift/overwrite"],
    ["POST", "/v1/apps/blog/promote"],
    ["POST", "/v1/apps/blog/reject-canaries"],
    ["GET", "/v1/cluster/drift"],
    ["GET", "/v1/cluster/doctor"],
    ["POST", "/v1/cluster/adopt"],
  ] as const) {
    const answer = await it.call(path, { method });
    expect([path, answer.status, answer.json()["code"]]).toEqual([path, 409, "CLUSTER_MISSING"]);
  }
  expect((await it.call("/v1/apps/blog")).json()).toMatchObject({ drifted: null });
});

test("all of it wants the token", async () => {
  await using it = await startApi({ cluster: fakeCluster() });
  expect((await it.call("/v1/cluster/doctor", { token: null })).status).toBe(401);
});

test("a plan is of the definition, a release or an image", async () => {
  const cluster = fakeCluster();
  await using it = await startApi({ cluster });
  expect((await it.call("/v1/apps/blog/plan")).json()).toMatchObject({ app: "blog", changes: null });
  await it.call("/v1/apps/blog/plan?release=12");
  await it.call("/v1/apps/blog/plan?image=team/blog:v2");
  expect(cluster.calls).toEqual([
    ["plan", "blog", { release: undefined, image: undefined }],
    ["plan", "blog", { release: 12, image: undefined }],
    ["plan", "blog", { release: undefined, image: "team/blog:v2" }],
  ]);
  expect((await it.call("/v1/apps/blog/plan?release=1&image=a")).status).toBe(400);
  expect((await it.call("/v1/apps/blog/plan?release=x")).status).toBe(400);
});

test("canaries are promoted, or rejected", async () => {
  await using it = await startApi({ cluster: fakeCluster() });
  expect((await it.call("/v1/apps/blog/promote", { json: { deployment: 1 } })).json()).toMatchObject({ id: 1 });
  expect((await it.call("/v1/apps/blog/reject-canaries", { method: "POST" })).status).toBe(200);
  expect(it.deployer.calls).toEqual([
    ["promote", "blog", 1],
    ["rejectCanaries", "blog", undefined],
  ]);
});

test("a hint names the app that it is about", async () => {
  await using it = await startApi({ cluster: fakeCluster() });
  const parts = { operation: "promote", subject: "blog", cause: "nothing of it waits for promotion" };
  it.deployer.promote = () => Promise.reject(new SteppeError("NOTHING_TO_PROMOTE", parts));
  const hint = "`steppe status blog` shows what waits, and for what.";
  expect((await it.call("/v1/apps/blog/promote", { method: "POST" })).json()).toMatchObject({ hint });
});

test("what somebody changed is told, with each app, and overwritten when that is asked for", async () => {
  const cluster = fakeCluster();
  await using it = await startApi({ cluster });
  expect((await it.call("/v1/cluster/drift")).json()).toEqual([drift]);
  expect((await it.call("/v1/apps/blog/drift")).json()).toEqual(drift);
  expect((await it.call("/v1/apps/shop/drift")).text).toBe("null");
  expect((await it.call("/v1/apps/blog/drift/overwrite", { method: "POST" })).json()).toEqual(drift);
  expect((await it.call("/v1/apps/shop/drift/overwrite", { method: "POST" })).text).toBe("null");
  expect(cluster.calls.splice(0)).toEqual([
    ["overwriteDrift", "blog"],
    ["overwriteDrift", "shop"],
  ]);
  const apps = (await it.call("/v1/apps")).json<Array<{ drifted: boolean }>>();
  expect(apps.map(({ drifted }) => drifted)).toEqual([true, false]);
  expect((await it.call("/v1/apps/shop")).json()).toMatchObject({ drifted: false });
  expect(cluster.calls).toEqual([
    ["drifted", undefined],
    ["drifted", "shop"],
  ]);
});

test("what becomes of an app's job is told before the app is removed, and that there is none without a cluster", async () => {
  await using it = await startApi({ cluster: fakeCluster() });
  expect((await it.call("/v1/apps/blog/removal")).json()).toEqual({ app: "blog", job: "blog", isStopped: true });
  expect((await it.call("/v1/apps/none/removal")).status).toBe(404);
  await using local = await startApi();
  expect((await local.call("/v1/apps/blog/removal")).json()).toEqual({ app: "blog", job: null, isStopped: false });
});

test("a job is adopted; a request that is none is refused", async () => {
  const cluster = fakeCluster();
  await using it = await startApi({ cluster });
  const json = { job: "web", app: "blog", domains: ["blog.test"], take: "add" };
  expect((await it.call("/v1/cluster/adopt", { json })).json()).toMatchObject({ job: "web", taken: "add" });
  expect(cluster.calls).toEqual([["adopt", json]]);
  for (const wrong of [{}, { job: "" }, { job: "a", take: "x" }, { job: "a", domains: "b" }, { job: "a", other: 1 }]) {
    expect((await it.call("/v1/cluster/adopt", { json: wrong })).json()["code"]).toBe("USAGE");
  }
});
