import { beforeEach, expect, test } from "vitest";
import { testDefinition, testRun } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, FakeWorld, settle } from "./fakes.ts";
import type { Deployment } from "./types.ts";

const options = { requestId: "test" };
const WAITS = "waits for promotion, its canaries are healthy: `steppe promote blog`, or `steppe promote blog --reject`";

let world: FakeWorld;
let deployer: AppDeployer;

const manual = (change: Partial<AppDefinition> = {}): AppDefinition =>
  testDefinition("blog", { run: { ...testRun, promote: "manual" }, ...change });

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
  await deployer.addApp(manual());
  await push("v1");
});

/** Pushes a tag, and waits until nothing happens any more. */
async function push(tag: string, app = "blog"): Promise<Deployment> {
  world.sources.push(app, `refs/tags/${tag}`, tag);
  const { queued } = await deployer.refsChanged(app, "test");
  await settle();
  return deployer.deployment(queued[0]?.id ?? 0);
}

async function told(id: number): Promise<string[]> {
  const all: string[] = [];
  for await (const { event, message } of deployer.events(id, AbortSignal.abort())) {
    if (event === "held" || (event === "note" && !message.startsWith("built"))) all.push(message);
  }
  return all;
}

function live(): string {
  return world.content.commitOf(world.engine.routed.get("blog")?.image ?? "");
}

test("canaries that are healthy wait for a person, and keep no other app from being deployed", async () => {
  expect(live()).toBe("v1"); // there was nothing to be beside of
  const waiting = await push("v2");
  expect(waiting).toMatchObject({ state: "healthy", hold: { kind: "promotion" }, finishedAt: null });
  expect(await told(waiting.id)).toEqual([WAITS]);
  await deployer.addApp(testDefinition("shop"));
  expect(await push("s1", "shop")).toMatchObject({ state: "live" });
  expect(live()).toBe("v1");
  expect(await deployer.promote("blog", undefined)).toMatchObject({ id: waiting.id, hold: null });
  expect(await ended(deployer, waiting)).toMatchObject({ state: "live" });
  expect(await told(waiting.id)).toEqual([WAITS, "promoted"]);
  expect(live()).toBe("v2");
});

test("after a restart they wait again, and can be promoted", async () => {
  const waiting = await push("v2");
  await deployer.stop();
  deployer = new AppDeployer(world);
  await deployer.start();
  await settle();
  expect(deployer.deployment(waiting.id)).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
  expect(await told(waiting.id)).toEqual([WAITS]);
  await deployer.promote("blog", waiting.id);
  expect(await ended(deployer, waiting)).toMatchObject({ state: "live" });
});

test("a person's word that a process did not live to carry out is carried out by the next", async () => {
  const waiting = await push("v2");
  const promote = world.engine.promote.bind(world.engine);
  world.engine.promote = () => Promise.resolve();
  await deployer.promote("blog", undefined);
  await deployer.stop();
  world.engine.promote = promote;
  deployer = new AppDeployer(world);
  await deployer.start();
  expect(await ended(deployer, waiting)).toMatchObject({ state: "live" });
  expect(await told(waiting.id)).toEqual([WAITS, "promoted"]);
});

test("a newer tag takes their place, also one that came before control was started again", async () => {
  const older = await push("v2");
  const newer = await push("v3");
  expect(await ended(deployer, older)).toMatchObject({ state: "superseded" });
  expect(deployer.deployment(newer.id)).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
  expect(await told(older.id)).toEqual([WAITS, "makes way for blog tag v3: its canaries are taken away"]);
  expect(world.engine.calls).toContain("abandon blog 2");
  await deployer.stop();
  world.sources.push("blog", "refs/tags/v4", "v4");
  deployer = new AppDeployer(world);
  await deployer.start();
  await settle();
  await settle();
  expect(deployer.deployment(newer.id)).toMatchObject({ state: "superseded" });
  const [newest] = deployer.deployments("blog", 1);
  expect(newest).toMatchObject({ source: { ref: "refs/tags/v4" }, hold: { kind: "promotion" } });
});

test("they can be rejected: what serves goes on", async () => {
  const waiting = await push("v2");
  deployer.rejectCanaries("blog", undefined);
  expect(await ended(deployer, waiting)).toMatchObject({ state: "failed", error: { code: "DEPLOYMENT_REJECTED" } });
  expect(await told(waiting.id)).toEqual([WAITS, "rejected: its canaries are taken away"]);
  expect(live()).toBe("v1");
  expect((await push("v3")).hold).toEqual({ kind: "promotion" });
});

test("a rollback takes their place and waits for nobody", async () => {
  await deployer.promote("blog", (await push("v2")).id);
  await settle();
  const waiting = await push("v3");
  const back = await deployer.rollback("blog", undefined, options);
  expect(await ended(deployer, waiting)).toMatchObject({ state: "superseded" });
  expect(await ended(deployer, back)).toMatchObject({ state: "live" });
  expect(live()).toBe("v1");
});

test("a changed definition waits until it is decided, and is told so", async () => {
  const waiting = await push("v2");
  const changed = manual({ domains: ["www.blog.localhost"] });
  const { deployments } = await deployer.apply([changed], { dryRun: false, prune: false, ...options });
  await settle();
  const [definition] = deployments;
  expect(deployer.deployment(definition?.id ?? 0).hold).toEqual({ kind: "promotion", of: waiting.id });
  expect(await told(definition?.id ?? 0)).toEqual([
    "waits for deployment 2, which waits for promotion: `steppe promote blog`, or `steppe promote blog --reject`",
  ]);
  await deployer.promote("blog", undefined);
  await settle();
  expect(deployer.deployment(waiting.id).state).toBe("live");
  expect(deployer.deployment(definition?.id ?? 0)).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
});

test("what does not wait cannot be promoted, and says why", async () => {
  const refused = (id: number | undefined, code: string, reason: string) =>
    expect(deployer.promote("blog", id)).rejects.toMatchObject({ code, reason });
  await refused(undefined, "NOTHING_TO_PROMOTE", "nothing of it waits for promotion");
  await refused(1, "NOTHING_TO_PROMOTE", "blog tag v1 is live already");
  await refused(9, "DEPLOYMENT_NOT_FOUND", "there is no such deployment");
  world.engine.trouble = (call) => {
    if (call === "promote") throw new Error("Nomad is away");
  };
  const waiting = await push("v2");
  await expect(deployer.promote("blog", undefined)).rejects.toThrow("Nomad is away");
  expect(deployer.deployment(waiting.id).hold).toEqual({ kind: "promotion" });
});

test("without a cluster there is nothing to promote", async () => {
  Object.assign(world.engine, { promote: undefined });
  await expect(deployer.promote("blog", undefined)).rejects.toMatchObject({ code: "CLUSTER_MISSING" });
});

test("an app may be added paused: nothing of it goes live by itself", async () => {
  await deployer.addApp(testDefinition("shop"), { paused: "it was adopted" });
  expect(deployer.app("shop").paused).toMatchObject({ reason: "it was adopted" });
  expect(await push("s1", "shop")).toMatchObject({ state: "queued", hold: { kind: "paused" } });
});
