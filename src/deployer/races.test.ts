import { beforeEach, describe, expect, test } from "vitest";
import { SettingTable } from "../store/index.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, FakeWorld, settle } from "./fakes.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { Deployment } from "./types.ts";

let world: FakeWorld;
let deployer: AppDeployer;
const options = { dryRun: false, prune: false, requestId: "test" };

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
});

async function received(app: string, tag: string, commit = tag): Promise<Deployment> {
  world.sources.push(app, `refs/tags/${tag}`, commit);
  const [queued] = (await deployer.refsChanged(app, "test")).queued;
  if (queued === undefined) throw new Error("nothing was queued");
  return queued;
}

function live(app: string): { content: string; domains: string[] } | undefined {
  const routed = world.engine.routed.get(app);
  return routed && { content: world.content.commitOf(routed.image), domains: routed.definition.domains };
}

/** Holds up the next such call of the engine: resolves with what lets it go on when it has come. */
function holdUp(call: string): Promise<() => void> {
  return new Promise((come) => {
    world.engine.trouble = (name) => {
      if (name !== call) return undefined;
      world.engine.trouble = () => {};
      return new Promise((goOn) => come(goOn));
    };
  });
}

describe("a changed definition while a tag is on its way", () => {
  const changed = testDefinition("blog", { domains: ["new.test"] });

  beforeEach(async () => {
    await deployer.addApp(testDefinition("blog"));
    await ended(deployer, await received("blog", "v1"));
  });

  test("is deployed with the tag's content, not with that of before", async () => {
    const held = holdUp("awaitHealthy");
    const tag = await received("blog", "v2");
    const goOn = await held;
    const { deployments } = await deployer.apply([changed], options);
    goOn();
    expect(await ended(deployer, tag)).toMatchObject({ state: "live" });
    expect(await ended(deployer, deployments[0])).toMatchObject({ state: "live" });
    expect(live("blog")).toEqual({ content: "v2", domains: ["new.test"] });
  });

  test("makes the tag anew if its content depends on what changed", async () => {
    const held = holdUp("awaitHealthy");
    await received("blog", "v2");
    const goOn = await held;
    const { deployments } = await deployer.apply([testDefinition("blog", { folder: "public" })], options);
    goOn();
    expect(await ended(deployer, deployments[0])).toMatchObject({
      state: "live",
      source: { kind: "ref", ref: "refs/tags/v2" },
    });
    expect(live("blog")?.content).toBe("v2");
  });

  test("is taken up by a tag that waits", async () => {
    const held = holdUp("awaitHealthy");
    await received("blog", "v2");
    const goOn = await held;
    const waiting = await received("blog", "v3");
    const { deployments } = await deployer.apply([testDefinition("blog", { folder: "public" })], options);
    expect(deployments.map(({ id }) => id)).toEqual([waiting.id]);
    goOn();
    await ended(deployer, waiting);
    expect(live("blog")?.content).toBe("v3");
    expect(deployer.releases("blog")[0]?.definition.folder).toBe("public");
  });

  test("stands though a tag that came after it is bad", async () => {
    const held = holdUp("awaitHealthy");
    await received("blog", "v2");
    const goOn = await held;
    const [definitionChange] = (await deployer.apply([changed], options)).deployments;
    const bad = await received("blog", "v3", "broken");
    goOn();
    expect(await ended(deployer, bad)).toMatchObject({ state: "failed" });
    expect(deployer.deployment(definitionChange?.id ?? 0)).toMatchObject({ state: "live" });
    expect(live("blog")).toEqual({ content: "v2", domains: ["new.test"] });
  });

  test("gives way to a rollback, and the next tag takes it up", async () => {
    const turn = holdUp("place");
    await received("blog", "hanging", "hang");
    const { deployments } = await deployer.apply([changed], options);
    const rollback = await deployer.rollback("blog", 1, { requestId: "test" });
    (await turn)();
    await ended(deployer, rollback);
    expect(deployer.deployment(deployments[0]?.id ?? 0)).toMatchObject({ state: "superseded" });
    await ended(deployer, await received("blog", "v4"));
    expect(deployer.releases("blog")).toHaveLength(2);
    expect(live("blog")).toEqual({ content: "v4", domains: ["new.test"] });
  });
});

test("a changed definition that the tag before it took up makes no release of its own", async () => {
  await deployer.addApp(testDefinition("blog"));
  await ended(deployer, await received("blog", "v1"));
  const held = holdUp("awaitHealthy");
  await received("blog", "v2");
  const goOn = await held;
  await received("blog", "v3");
  const { deployments } = await deployer.apply([testDefinition("blog", { domains: ["new.test"] })], options);
  goOn();
  expect(await ended(deployer, deployments[0])).toMatchObject({ state: "live", release: 3 });
  expect(live("blog")).toEqual({ content: "v3", domains: ["new.test"] });
  expect(deployer.releases("blog")).toHaveLength(3);
});

test("a changed definition reaches a first release that was made before it", async () => {
  await deployer.addApp(testDefinition("blog"));
  const held = holdUp("awaitHealthy");
  await received("blog", "v1");
  const goOn = await held;
  const { deployments } = await deployer.apply([testDefinition("blog", { domains: ["new.test"] })], options);
  goOn();
  await ended(deployer, deployments[0]);
  expect(live("blog")).toEqual({ content: "v1", domains: ["new.test"] });
});

describe("an app that is being removed", () => {
  test("takes no deployment, and nothing of it is served afterwards", async () => {
    await deployer.addApp(testDefinition("blog"));
    await ended(deployer, await received("blog", "v1"));
    const held = holdUp("remove");
    const removal = deployer.removeApp("blog");
    const goOn = await held;
    await expect(received("blog", "v2")).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
    await expect(deployer.rollback("blog", 1, { requestId: "test" })).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
    goOn();
    await removal;
    await settle();
    expect(world.engine.routed.size).toBe(0);
    await deployer.addApp(testDefinition("blog"));
    expect(await ended(deployer, await received("blog", "v3"))).toMatchObject({ state: "live" });
  });

  test("is removed once, whoever else asks", async () => {
    await deployer.addApp(testDefinition("blog"));
    const held = holdUp("remove");
    const first = deployer.removeApp("blog");
    const goOn = await held;
    const second = deployer.removeApp("blog");
    goOn();
    await Promise.all([first, second]);
    expect(deployer.apps()).toEqual([]);
  });

  test("does not wait for a fetch that hangs", async () => {
    world.sources.fetch = (_app, _url, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    await deployer.addApp(testDefinition("blog", { repository: "https://git.test/blog.git" }));
    await deployer.removeApp("blog");
    expect(deployer.apps()).toEqual([]);
  });
});

describe("a start", () => {
  test("is not stopped by one app that cannot be routed, nor by one that cannot be removed", async () => {
    for (const app of ["bad", "good", "leaving"]) {
      await deployer.addApp(testDefinition(app));
      await ended(deployer, await received(app, "v1"));
    }
    await deployer.stop();
    new SettingTable(world.store).set("removing:leaving", "1");
    world.engine.routed.clear();
    const { place, remove } = world.engine;
    world.engine.place = (release, context) =>
      release.app === "bad"
        ? Promise.reject(new Error("its content is lost"))
        : place.call(world.engine, release, context);
    world.engine.remove = () => Promise.reject(new Error("not now"));
    deployer = new AppDeployer(world);
    await deployer.start();
    expect([...world.engine.routed.keys()]).toEqual(["good"]);
    await expect(received("leaving", "v2")).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
    world.engine.remove = remove;
    await deployer.removeApp("leaving");
    expect(deployer.apps().map(({ definition: { name } }) => name)).toEqual(["bad", "good"]);
  });

  test("does not put back the release before, if control died between switch and journal", async () => {
    await deployer.addApp(testDefinition("blog"));
    await ended(deployer, await received("blog", "v1"));
    const held = holdUp("after route");
    await received("blog", "v2");
    await held;
    world.engine.calls.length = 0;
    deployer = new AppDeployer(world);
    await deployer.start();
    await settle();
    expect(live("blog")?.content).toBe("v2");
    expect(world.engine.calls).toEqual(["route blog 2", "retire blog 2"]);
  });
});

test("a push that could not be journaled is looked at again", async () => {
  await deployer.addApp(testDefinition("blog"));
  const { look } = world.sources;
  world.sources.look = () => Promise.reject(new Error("the disk is full"));
  world.sources.push("blog", "refs/tags/v1", "v1");
  await expect(deployer.refsChanged("blog", "test")).rejects.toThrow("the disk is full");
  await world.clock.advance(10_000);
  world.sources.look = look;
  expect(live("blog")).toBeUndefined();
  await world.clock.advance(20_000);
  await settle();
  expect(live("blog")?.content).toBe("v1");
});

test("a release whose content is lost does not stop garbage collection", async () => {
  await deployer.addApp(testDefinition("blog"));
  await ended(deployer, await received("blog", "v1"));
  await ended(deployer, await received("blog", "v2"));
  const lost = deployer.releases("blog").at(-1)?.image ?? "";
  world.content.images.delete(lost);
  const retained: number[][] = [];
  world.engine.retain = async (_app, releases) => {
    retained.push(releases.map(({ number }) => number));
  };
  await deployer.collectGarbage();
  expect(retained.at(-1)).toEqual([2]);
});

test("a release that a rollback asks for while releases are forgotten is not forgotten", async () => {
  await deployer.addApp(testDefinition("blog", { keepReleases: 1 }));
  await ended(deployer, await received("blog", "v1"));
  const pruning = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  world.engine.retain = async () => {
    pruning.resolve();
    await goOn.promise;
  };
  await ended(deployer, await received("blog", "v2"));
  await pruning.promise;
  const rollback = await deployer.rollback("blog", 1, { requestId: "test" });
  goOn.resolve();
  expect(await ended(deployer, rollback)).toMatchObject({ state: "live" });
  expect(live("blog")?.content).toBe("v1");
});
