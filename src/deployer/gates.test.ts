import { beforeEach, describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeDigest, fakeTree, FakeWorld, settle } from "./fakes.ts";
import type { Deployment } from "./types.ts";

const MINUTE = 60_000;
const options = { requestId: "test" };
/** 1 January 2026, a Thursday, is when the fake clock begins. */
const OFFICE = "Mon-Fri 09:00-17:00 Europe/London";

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
});

async function add(policy: Partial<AppDefinition["policy"]>): Promise<void> {
  await deployer.addApp(testDefinition("blog", { policy: { semver: null, approve: false, windows: [], ...policy } }));
}

/** Pushes a tag, and waits until nothing happens any more. */
async function push(tag: string, commit = tag): Promise<Deployment> {
  world.sources.push("blog", `refs/tags/${tag}`, commit);
  const { queued } = await deployer.refsChanged("blog", "test");
  await settle();
  return deployer.deployment(queued[0]?.id ?? 0);
}

/** Another process on the same store, as after a crash. */
async function restart(): Promise<void> {
  await deployer.stop();
  deployer = new AppDeployer(world);
  await deployer.start();
  await settle();
}

/** What was told of a deployment, without the states that it went through. */
async function told(id: number): Promise<string[]> {
  const all: string[] = [];
  for await (const { event, message } of deployer.events(id, AbortSignal.abort())) {
    if (event === "held" || event === "note") all.push(message);
  }
  return all;
}

function live(): string {
  const routed = world.engine.routed.get("blog");
  return routed === undefined ? "nothing" : world.content.commitOf(routed.image);
}

/** Builds end when what is returned is resolved. */
function slowBuilds(): PromiseWithResolvers<void> {
  const slow = Promise.withResolvers<void>();
  const build = world.content.build.bind(world.content);
  world.content.build = async (request) => {
    await slow.promise;
    return build(request);
  };
  return slow;
}

describe("with `approve`", () => {
  const WAITS = "waits for approval: `steppe approve blog`, or `steppe approve blog --reject`";
  beforeEach(() => add({ approve: true }));

  test("a tag that was pushed waits, unbuilt, until a person says so", async () => {
    const waiting = await push("v1");
    expect(waiting).toMatchObject({ state: "queued", byItself: true, hold: { kind: "approval" } });
    expect(world.content.built).toEqual([]);
    expect(await told(waiting.id)).toEqual([WAITS]);
    expect(deployer.approve("blog", undefined)).toMatchObject({ id: waiting.id, hold: null });
    expect(await ended(deployer, waiting)).toMatchObject({ state: "live", approvedAt: world.clock.now() });
    expect((await told(waiting.id)).slice(0, 2)).toEqual([WAITS, "approved"]);
  });

  test("a restart forgets neither that it waits nor that it was approved", async () => {
    const waiting = await push("v1");
    await restart();
    expect(deployer.deployment(waiting.id).hold).toEqual({ kind: "approval" });
    expect(await told(waiting.id)).toEqual([WAITS]);
    // Control dies as it is approved: the store has it, and nobody has acted on it.
    world.store.run("UPDATE deployments SET approved_at = 1 WHERE id = ?", waiting.id);
    await restart();
    expect(live()).toBe("v1");
  });

  test("a newer tag takes the place of the one that waits", async () => {
    const first = await push("v1");
    const second = await push("v2");
    expect(deployer.deployment(first.id)).toMatchObject({ state: "superseded", hold: null });
    expect(() => deployer.approve("blog", first.id)).toThrow("blog tag v1 is superseded already");
    deployer.approve("blog", second.id);
    await settle();
    expect(live()).toBe("v2");
  });

  test("a newer one that a process journaled and died takes the place of the one that waits", async () => {
    const first = await push("v1");
    world.sources.push("blog", "refs/tags/v2", "v2");
    world.store.run(
      `INSERT INTO deployments (app, source, state, by_itself, request_id, created_at)
       VALUES ('blog', '{"kind":"ref","ref":"refs/tags/v2","commit":"v2"}', 'queued', 1, 'r', 1)`,
    );
    await restart();
    expect(deployer.deployment(first.id)).toMatchObject({ state: "superseded", hold: null });
    deployer.approve("blog", undefined);
    await settle();
    expect(live()).toBe("v2");
  });

  test("a rejected one ends, and what serves goes on", async () => {
    deployer.approve("blog", (await push("v1")).id);
    await settle();
    const waiting = await push("v2");
    expect(deployer.reject("blog", undefined)).toMatchObject({ id: waiting.id, state: "failed", hold: null });
    expect(deployer.deployment(waiting.id).error).toMatchObject({
      code: "DEPLOYMENT_REJECTED",
      hint: expect.stringContaining("steppe deploy blog --tag v2") as string,
    });
    await restart();
    expect(live()).toBe("v1");
  });

  test("what a person asks for does not wait, and takes the place of what does", async () => {
    const waiting = await push("v1");
    await ended(deployer, await deployer.deployRef("blog", { tag: "v1" }, options));
    expect(deployer.deployment(waiting.id).state).toBe("superseded");
    await ended(deployer, await deployer.deployUpload("blog", fakeTree("folder"), options));
    expect(live()).toBe("folder");
    await ended(deployer, await deployer.rollback("blog", undefined, options));
    expect(live()).toBe("v1");
  });

  test("what waits for none cannot be approved, and says why", async () => {
    expect(() => deployer.approve("blog", undefined)).toThrow("nothing of it waits for approval");
    expect(() => deployer.approve("blog", 99)).toThrow("there is no such deployment");
    expect(() => deployer.approve("none", undefined)).toThrow("there is no such app");
    await deployer.addApp(testDefinition("other"));
    const waiting = await push("v1");
    expect(() => deployer.approve("other", waiting.id)).toThrow("there is no such deployment");
    expect(() => deployer.reject("other", undefined)).toThrow("nothing of it waits for approval");
  });

  test("it is taken up when the definition asks for approval no more", async () => {
    const waiting = await push("v1");
    await deployer.apply([testDefinition("blog")], { dryRun: false, prune: false, ...options });
    expect(await ended(deployer, waiting)).toMatchObject({ state: "live" });
  });

  test("a changed definition goes live at once, and what waits goes on waiting", async () => {
    deployer.approve("blog", (await push("v1")).id);
    await settle();
    const waiting = await push("v2");
    const { definition } = deployer.app("blog");
    const changed = { ...definition, folder: "site", domains: ["new.localhost"] };
    const { deployments } = await deployer.apply([changed], { dryRun: false, prune: false, ...options });
    expect(await ended(deployer, deployments[0])).toMatchObject({ state: "live", source: { ref: "refs/tags/v1" } });
    expect(deployer.deployment(waiting.id)).toMatchObject({ state: "queued", hold: { kind: "approval" } });
    deployer.approve("blog", waiting.id);
    await settle();
    expect(live()).toBe("v2");
    expect(world.engine.routed.get("blog")?.definition.domains).toEqual(["new.localhost"]);
  });
});

test("a tag of a registry waits for approval, unpulled; one that was rejected does not come again by itself", async () => {
  const image = { repository: "registry.test/blog", site: null };
  await deployer.addApp(testDefinition("blog", { image, policy: { semver: "1.x", approve: true, windows: [] } }));
  await settle();
  const come = async (tag: string): Promise<Deployment | undefined> => {
    world.registry.push(image.repository, tag, fakeDigest(tag), 1);
    await deployer.lookAtImages("blog", "poll");
    await settle();
    return deployer.deployments("blog", 1)[0];
  };
  const first = await come("release-v1.0.0");
  expect(first).toMatchObject({ state: "queued", byItself: true, hold: { kind: "approval" } });
  expect(world.registry.requests.some((request) => request.startsWith("pull"))).toBe(false);
  deployer.approve("blog", first?.id);
  expect(await ended(deployer, first)).toMatchObject({ state: "live", image: fakeDigest("release-v1.0.0") });
  const second = await come("v1.1.0");
  deployer.reject("blog", second?.id);
  await deployer.lookAtImages("blog", "poll");
  expect((await come("v0.9.0"))?.id).toBe(second?.id);
  expect(deployer.app("blog").liveRelease).toBe(1);
});

describe("with windows", () => {
  beforeEach(() => add({ windows: [OFFICE] }));
  const NINE = Date.UTC(2026, 0, 1, 9);

  test("what came by itself waits for the next one, also over a restart, and says when that opens", async () => {
    const waiting = await push("v1");
    expect(waiting).toMatchObject({ state: "queued", hold: { kind: "window", opensAt: NINE, zone: "Europe/London" } });
    const [message] = await told(waiting.id);
    expect(message).toMatch(
      /^waits for the next window, which opens on Thursday,? 1 January 2026 at 09:00, Europe\/London$/,
    );
    await restart();
    await world.clock.advance(9 * 60 * MINUTE - 1);
    await settle();
    expect(live()).toBe("nothing");
    await world.clock.advance(1);
    expect(await ended(deployer, waiting)).toMatchObject({ state: "live" });
    expect((await told(waiting.id))[1]).toBe("the window is open");
    const next = await push("v2");
    expect(next).toMatchObject({ state: "live", hold: null });
  });

  test("a build that ends after the window has closed waits for the next", async () => {
    await world.clock.advance(9 * 60 * MINUTE);
    const slow = slowBuilds();
    const building = await push("v1");
    expect(building.state).toBe("building");
    await world.clock.advance(8 * 60 * MINUTE);
    slow.resolve();
    await settle();
    expect(deployer.deployment(building.id)).toMatchObject({
      state: "built",
      hold: { kind: "window", opensAt: NINE + 24 * 60 * MINUTE },
    });
    await restart();
    await world.clock.advance(16 * 60 * MINUTE);
    expect(await ended(deployer, building)).toMatchObject({ state: "live" });
    expect(world.content.built).toEqual(["v1"]);
  });

  test("approval does not open a window", async () => {
    await deployer.apply([testDefinition("blog", { policy: { semver: null, approve: true, windows: [OFFICE] } })], {
      dryRun: false,
      prune: false,
      ...options,
    });
    const waiting = await push("v1");
    expect(deployer.approve("blog", waiting.id).hold).toMatchObject({ kind: "window" });
    expect(() => deployer.approve("blog", waiting.id)).toThrow(
      /it does not wait for approval: it waits for the next window/,
    );
    await world.clock.advance(9 * 60 * MINUTE);
    expect(await ended(deployer, waiting)).toMatchObject({ state: "live" });
  });

  test("what runs is not held up by what waits, nor is another told to wait for it", async () => {
    await ended(deployer, await deployer.deployUpload("blog", fakeTree("folder"), options));
    await push("v1");
    const { definition } = deployer.app("blog");
    const { deployments } = await deployer.apply([{ ...definition, cleanUrls: true }], {
      dryRun: false,
      prune: false,
      ...options,
    });
    const changed = await ended(deployer, deployments[0]);
    expect(changed.state).toBe("live");
    expect((await told(changed.id)).filter((line) => line.startsWith("waits"))).toEqual([]);
  });
});

describe("a paused app", () => {
  beforeEach(() => add({}));

  test("queues what is pushed, the newest last, and goes on with that when it is resumed", async () => {
    expect(deployer.pause("blog", "the sale is on").paused).toEqual({
      since: world.clock.now(),
      reason: "the sale is on",
    });
    const first = await push("v1");
    const second = await push("v2");
    expect(deployer.deployment(first.id).state).toBe("superseded");
    expect(await told(second.id)).toEqual(["waits: blog is paused (the sale is on); `steppe resume blog` ends that"]);
    await restart();
    expect(deployer.app("blog").paused).toMatchObject({ reason: "the sale is on" });
    expect(live()).toBe("nothing");
    expect(deployer.resume("blog").paused).toBe(null);
    expect(await ended(deployer, second)).toMatchObject({ state: "live" });
    expect((await told(second.id))[1]).toBe("the pause has ended");
  });

  test("holds what was being built, before it is a release; a rollback goes live", async () => {
    await push("v1");
    await push("v2");
    const slow = slowBuilds();
    const building = await push("v3");
    deployer.pause("blog", null);
    slow.resolve();
    await settle();
    expect(deployer.deployment(building.id)).toMatchObject({ state: "built", hold: { kind: "paused", reason: null } });
    await ended(deployer, await deployer.rollback("blog", undefined, options));
    expect(live()).toBe("v1");
    deployer.resume("blog");
    await settle();
    expect(live()).toBe("v1");
    expect(deployer.deployment(building.id).state).toBe("superseded");
  });

  test("holds what was being pushed to a registry, before it is a release", async () => {
    const { definition } = deployer.app("blog");
    const image = { repository: "registry.test/blog", site: null };
    await deployer.apply([{ ...definition, image }], { dryRun: false, prune: false, ...options });
    const slow = Promise.withResolvers<void>();
    world.content.push = () => slow.promise;
    const pushing = await push("v1");
    expect(pushing).toMatchObject({ state: "built", hold: null });
    deployer.pause("blog", null);
    slow.resolve();
    await settle();
    expect(deployer.deployment(pushing.id)).toMatchObject({ state: "built", hold: { kind: "paused" } });
    deployer.resume("blog");
    expect(await ended(deployer, pushing)).toMatchObject({ state: "live" });
  });

  test("what was built and waits is built anew when the definition changes", async () => {
    const slow = slowBuilds();
    const building = await push("v1");
    deployer.pause("blog", null);
    slow.resolve();
    await settle();
    const { definition } = deployer.app("blog");
    await deployer.apply([{ ...definition, folder: "site" }], { dryRun: false, prune: false, ...options });
    expect(deployer.deployment(building.id)).toMatchObject({ state: "queued", hold: { kind: "paused" } });
    deployer.resume("blog");
    expect(await ended(deployer, building)).toMatchObject({ state: "live" });
    expect(world.content.built).toEqual(["v1", "v1"]);
  });

  test("is paused and resumed twice without harm, and its reason can be changed", () => {
    const { paused } = deployer.pause("blog", null);
    expect(deployer.pause("blog", "still").paused).toEqual({ ...paused, reason: "still" });
    deployer.resume("blog");
    expect(deployer.resume("blog").paused).toBe(null);
    expect(() => deployer.pause("none", null)).toThrow("there is no such app");
  });

  test("can be removed while something waits", async () => {
    deployer.pause("blog", null);
    const waiting = await push("v1");
    await deployer.removeApp("blog");
    expect(() => deployer.deployment(waiting.id)).toThrow("there is no such deployment");
  });
});
