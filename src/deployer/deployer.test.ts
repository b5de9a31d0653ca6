import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeTree, FakeWorld } from "./fakes.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { Deployment, DeploymentEvent } from "./types.ts";

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
});

/** Pushes a tag and follows what comes of it. */
async function push(app: string, tag: string, commit = tag): Promise<Deployment> {
  world.sources.push(app, `refs/tags/${tag}`, commit);
  const { queued } = await deployer.refsChanged(app, "test");
  return ended(deployer, queued[0]);
}

/** What a deployment told so far. */
async function messages(deployment: Deployment | undefined, kind: DeploymentEvent["event"]): Promise<string[]> {
  const all: string[] = [];
  const events = deployer.events(deployment?.id ?? 0, AbortSignal.abort());
  for await (const { event, message } of events) if (event === kind) all.push(message);
  return all;
}

function live(app: string): string {
  const routed = world.engine.routed.get(app);
  return routed === undefined ? "nothing" : world.content.commitOf(routed.image);
}

describe("a tag", () => {
  test("goes through all states, each journaled, and is live", async () => {
    await deployer.addApp(testDefinition("blog"));
    world.engine.notes = ["_redirects:7: no status"];
    const done = await push("blog", "v1");
    expect(done).toMatchObject({ state: "live", release: 1, error: null });
    expect(live("blog")).toBe("v1");
    const events: DeploymentEvent[] = [];
    for await (const event of deployer.events(done.id, new AbortController().signal)) events.push(event);
    const kinds = events.map(({ event }) => event).join(" ");
    expect(kinds).toBe("queued building note built released note placed healthy live");
    expect(events[5]?.message).toBe("_redirects:7: no status");
    expect(events.at(-1)?.urls).toEqual(["http://blog.localhost"]);
    expect(world.engine.calls).toEqual([
      "place blog 1",
      "place blog 1",
      "awaitHealthy blog 1",
      "route blog 1",
      "retire blog 1",
    ]);
  });

  test("is deployed once, and again when it moved, which is named", async () => {
    await deployer.addApp(testDefinition("blog"));
    await push("blog", "v1");
    expect(await deployer.refsChanged("blog", "test")).toEqual({ queued: [], notes: [] });
    const moved = await push("blog", "v1", "other");
    expect(moved).toMatchObject({ state: "live", source: { movedFrom: "v1" } });
    expect(live("blog")).toBe("other");
  });

  test("that does not build leaves the last good release serving and says why", async () => {
    await deployer.addApp(testDefinition("blog"));
    await push("blog", "v1");
    const failed = await push("blog", "v2", "broken");
    expect(failed).toMatchObject({ state: "failed", error: { code: "BUILD_FAILED", cause: "exit code 1" } });
    expect(live("blog")).toBe("v1");
  });

  test("that is not healthy is taken away again", async () => {
    await deployer.addApp(testDefinition("blog"));
    await push("blog", "v1");
    world.engine.unhealthy = (release) => release.number === 2;
    expect(await push("blog", "v2")).toMatchObject({ state: "failed", error: { code: "CHECK_FAILED" } });
    expect(live("blog")).toBe("v1");
    expect(await world.engine.instances()).toEqual([{ app: "blog", release: 1, routed: true }]);
  });

  test("that has to wait says what for", async () => {
    await deployer.addApp(testDefinition("blog"));
    world.sources.push("blog", "refs/tags/v1", "hang");
    await deployer.refsChanged("blog", "test");
    world.sources.push("blog", "refs/tags/v2", "v2");
    const [second] = (await deployer.refsChanged("blog", "test")).queued;
    expect(await messages(second, "note")).toEqual(["waits for the deployment of blog tag v1"]);
    for (const other of ["b", "c"]) {
      await deployer.addApp(testDefinition(other));
      world.sources.push(other, "refs/tags/v1", "hang");
    }
    await deployer.refsChanged("b", "test"); // two builds run
    const [third] = (await deployer.refsChanged("c", "test")).queued;
    expect(await messages(third, "note")).toEqual(["waits for other builds to end"]);
  });

  test("supersedes one that waits, but not one that runs", async () => {
    await deployer.addApp(testDefinition("blog"));
    world.sources.push("blog", "refs/tags/v1", "hang");
    const [first] = (await deployer.refsChanged("blog", "test")).queued;
    world.sources.push("blog", "refs/tags/v2", "v2");
    const [second] = (await deployer.refsChanged("blog", "test")).queued;
    world.sources.push("blog", "refs/tags/v3", "v3");
    await deployer.refsChanged("blog", "test");
    expect(await ended(deployer, second)).toMatchObject({
      state: "superseded",
      error: { code: "DEPLOYMENT_SUPERSEDED" },
    });
    expect(deployer.deployment(first?.id ?? 0).state).toBe("building");
  });
});

describe("rollback", () => {
  beforeEach(async () => {
    await deployer.addApp(testDefinition("blog"));
    await push("blog", "v1");
    await push("blog", "v2");
  });

  test("goes to the release that was live before, and further back", async () => {
    await push("blog", "v3", "broken");
    await push("blog", "v4");
    await ended(deployer, await deployer.rollback("blog", undefined, { requestId: "test" }));
    expect(live("blog")).toBe("v2");
    await ended(deployer, await deployer.rollback("blog", undefined, { requestId: "test" }));
    expect(live("blog")).toBe("v1");
    await expect(deployer.rollback("blog", undefined, { requestId: "test" })).rejects.toMatchObject({
      code: "NOTHING_TO_ROLL_BACK",
    });
  });

  test("brings back the definition of the release", async () => {
    await deployer.apply([testDefinition("blog", { domains: ["new.localhost"] })], {
      dryRun: false,
      prune: false,
      requestId: "test",
    });
    await ended(deployer, deployer.deployments("blog", 1)[0]);
    expect(world.engine.routed.get("blog")?.definition.domains).toEqual(["new.localhost"]);
    await ended(deployer, await deployer.rollback("blog", 1, { requestId: "test" }));
    expect(world.engine.routed.get("blog")?.definition.domains).toEqual(["blog.localhost"]);
  });

  test("does not wait for a build that hangs", async () => {
    world.sources.push("blog", "refs/tags/v3", "hang");
    const [hanging] = (await deployer.refsChanged("blog", "test")).queued;
    await ended(deployer, await deployer.rollback("blog", 1, { requestId: "test" }));
    expect(live("blog")).toBe("v1");
    expect(deployer.deployment(hanging?.id ?? 0).state).toBe("superseded");
  });

  test("to a release that is not kept is refused, and where there is none", async () => {
    await deployer.addApp(testDefinition("new"));
    const rolledBack = deployer.rollback("new", undefined, { requestId: "test" });
    await expect(rolledBack).rejects.toMatchObject({ reason: "nothing of it was live yet" });
    await expect(deployer.rollback("blog", 9, { requestId: "test" })).rejects.toMatchObject({
      code: "RELEASE_NOT_FOUND",
    });
  });
});

describe("apply", () => {
  const options = { dryRun: false, prune: false, requestId: "test" };

  test("twice changes nothing", async () => {
    const definitions = [testDefinition("a"), testDefinition("b")];
    expect((await deployer.apply(definitions, options)).changes.map((change) => change.action)).toEqual(["add", "add"]);
    expect((await deployer.apply(definitions, options)).changes.map((change) => change.action)).toEqual([
      "none",
      "none",
    ]);
  });

  test("refuses two apps with one domain, and changes nothing", async () => {
    await deployer.addApp(testDefinition("a"));
    const both = [testDefinition("b"), testDefinition("c", { domains: ["a.localhost"] })];
    await expect(deployer.apply(both, options)).rejects.toMatchObject({ code: "DOMAIN_TAKEN" });
    expect(deployer.apps().map((app) => app.definition.name)).toEqual(["a"]);
  });

  test("lets one app give a domain to another", async () => {
    await deployer.apply([testDefinition("a", { domains: ["x.test"] }), testDefinition("b")], options);
    await push("a", "v1");
    await push("b", "v1");
    const swapped = await deployer.apply([testDefinition("a"), testDefinition("b", { domains: ["x.test"] })], options);
    for (const deployment of swapped.deployments)
      expect(await ended(deployer, deployment)).toMatchObject({ state: "live" });
  });

  test("with prune removes what is not declared; a dry run only says so", async () => {
    await deployer.apply([testDefinition("a"), testDefinition("b")], options);
    const dry = await deployer.apply([testDefinition("a")], { ...options, prune: true, dryRun: true });
    expect(dry.changes).toContainEqual({ app: "b", action: "remove", fields: [] });
    expect(deployer.apps()).toHaveLength(2);
    await deployer.apply([testDefinition("a")], { ...options, prune: true });
    expect(deployer.apps()).toHaveLength(1);
  });

  test("writes what is declared with what it asks for: all of it or nothing", async () => {
    await deployer.apply([testDefinition("a"), testDefinition("b")], options);
    await push("a", "v1");
    await push("b", "v1");
    const stuck = Promise.withResolvers<void>();
    world.engine.trouble = (call) => (call === "remove" ? stuck.promise : undefined);
    const removal = deployer.removeApp("b");
    await new Promise(setImmediate);
    const changed = ["a", "b"].map((name) => testDefinition(name, { domains: [`new.${name}.test`] }));
    await expect(deployer.apply(changed, options)).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
    expect(deployer.app("a").definition.domains).toEqual(["a.localhost"]);
    expect(deployer.deployments("a", 9)).toHaveLength(1);
    stuck.resolve();
    await removal;
  });

  test("of an app that the engine refuses is refused", async () => {
    await expect(deployer.apply([testDefinition("refused")], options)).rejects.toMatchObject({
      code: "DRIVER_MISSING",
    });
  });
});

test("a domain stays with the app that serves it, though its definition has let go of it", async () => {
  await deployer.addApp(testDefinition("a", { domains: ["x.test"] }));
  await push("a", "v1");
  world.engine.trouble = (call) => {
    if (call === "awaitHealthy") throw new Error("no");
  };
  await deployer.apply([testDefinition("a", { domains: ["y.test"] })], {
    dryRun: false,
    prune: false,
    requestId: "test",
  });
  await ended(deployer, deployer.deployments("a", 1)[0]);
  await expect(deployer.addApp(testDefinition("b", { domains: ["x.test"] }))).rejects.toMatchObject({
    code: "DOMAIN_TAKEN",
  });
});

test("only the last releases are kept, and what serves; garbage collection keeps their images", async () => {
  await deployer.addApp(testDefinition("blog", { keepReleases: 2, graceMs: 0 }));
  for (const tag of ["v1", "v2", "v3", "v4"]) await push("blog", tag);
  await ended(deployer, await deployer.rollback("blog", 3, { requestId: "test" }));
  await push("blog", "v5", "broken");
  await deployer.collectGarbage();
  expect(deployer.releases("blog").map((release) => [release.number, release.live])).toEqual([
    [4, false],
    [3, true],
  ]);
  expect([...world.content.images.values()].sort()).toEqual(["v3", "v4"]);
});

test("a release whose files are still promised is kept until its grace time is over, and goes then", async () => {
  const minute = 60_000;
  const kept = (): number[] => deployer.releases("blog").map(({ number }) => number);
  await deployer.addApp(testDefinition("blog", { keepReleases: 1, graceMs: 60 * minute }));
  await push("blog", "v1");
  await world.clock.advance(30 * minute);
  await push("blog", "v2");
  await world.clock.advance(59 * minute);
  expect(kept()).toEqual([2, 1]);
  await push("blog", "v3");
  await world.clock.advance(2 * minute);
  expect(kept()).toEqual([3, 2]);
  await world.clock.advance(60 * minute);
  expect(kept()).toEqual([3]);
  await push("blog", "v4");
  await ended(deployer, await deployer.deployRef("blog", { tag: "v3" }, { requestId: "test", noGrace: true }));
  await deployer.collectGarbage();
  expect(kept()).toEqual([5]);
});

test("a deployment without grace routes without, also when the process died before it did", async () => {
  await deployer.addApp(testDefinition("blog"));
  await push("blog", "v1");
  await push("blog", "v2");
  const reached = crashAt("route");
  const rollback = await deployer.rollback("blog", 1, { requestId: "test", noGrace: true });
  await reached;
  world.engine.trouble = () => {};
  deployer = new AppDeployer(world);
  await deployer.start();
  expect(await ended(deployer, deployer.deployment(rollback.id))).toMatchObject({ state: "live", noGrace: true });
  expect(world.engine.routed.get("blog")).toMatchObject({ number: 1, definition: { graceMs: 0 } });
  expect(deployer.releases("blog").at(-1)?.definition.graceMs).toBe(3_600_000);
});

test("an uploaded folder is deployed", async () => {
  await deployer.addApp(testDefinition("blog"));
  const done = await ended(deployer, await deployer.deployUpload("blog", fakeTree("public"), { requestId: "test" }));
  expect(done).toMatchObject({ state: "live", source: { kind: "upload" } });
  expect(live("blog")).toBe("public");
});

test("a misspelt tag is answered with the one that was meant", async () => {
  await deployer.addApp(testDefinition("blog"));
  await push("blog", "v1.0");
  await expect(deployer.deployRef("blog", { tag: "v1.O" }, { requestId: "test" })).rejects.toMatchObject({
    code: "TAG_NOT_FOUND",
    hint: "Did you mean v1.0?",
  });
});

test("an app that is removed in the middle of a build is gone", async () => {
  await deployer.addApp(testDefinition("blog"));
  world.sources.push("blog", "refs/tags/v1", "hang");
  await deployer.refsChanged("blog", "test");
  await deployer.removeApp("blog");
  expect(deployer.apps()).toEqual([]);
  expect(await world.engine.instances()).toEqual([]);
});

/** Ends the process under the deployer's feet: what is on its way never comes back from the call that it is in. */
const CRASH_POINTS = ["certificates", "place", "awaitHealthy", "route", "after route", "retire", "abandon"] as const;

test("killed at any step of any deployment, the next start ends it, and nothing is deployed twice", async () => {
  const crash = fc.constantFrom(...CRASH_POINTS, "none" as const);
  const push = fc.record({ crash, commit: fc.constantFrom("good", "broken", "unhealthy") });
  await fc.assert(
    fc.asyncProperty(fc.array(push, { maxLength: 6 }), async (pushes) => {
      world = new FakeWorld();
      world.engine.unhealthy = (release) => world.content.commitOf(release.image).startsWith("unhealthy");
      deployer = new AppDeployer(world);
      await deployer.start();
      await deployer.addApp(testDefinition("blog"));
      let expected = "nothing";
      for (const [index, { crash, commit }] of pushes.entries()) {
        const name = `${commit}-${index}`;
        if (commit === "good") expected = name;
        const reached = crashAt(crash);
        world.sources.push("blog", `refs/tags/v${index}`, name);
        const { queued } = await deployer.refsChanged("blog", "test");
        await Promise.race([reached, ended(deployer, queued[0])]);
        world.engine.trouble = () => {};
        deployer = new AppDeployer(world);
        await deployer.start();
        const done = await ended(deployer, queued[0]);
        expect(done.state).toBe(commit === "good" ? "live" : "failed");
        expect(live("blog")).toBe(expected);
      }
      expect(deployer.deployments("blog", 100)).toHaveLength(pushes.length);
      const serving = (await world.engine.instances()).filter((instance) => instance.routed);
      expect(serving).toHaveLength(expected === "nothing" ? 0 : 1);
      world.store.close();
    }),
    { numRuns: 60 },
  );
});

/** Makes the engine hang for ever at the first such call; resolves when it does. */
function crashAt(point: string): Promise<void> {
  return new Promise((resolve) => {
    world.engine.trouble = (call) => {
      if (call !== point) return undefined;
      resolve();
      return new Promise(() => {});
    };
  });
}

test("a push whose process died before it looked at the refs is found at the next start", async () => {
  await deployer.addApp(testDefinition("blog"));
  world.sources.push("blog", "refs/tags/v1", "v1");
  deployer = new AppDeployer(world);
  const queued = Promise.withResolvers<DeploymentEvent>();
  deployer.subscribe(queued.resolve);
  await deployer.start();
  await ended(deployer, deployer.deployment((await queued.promise).deployment));
  expect(live("blog")).toBe("v1");
});

test("what should serve and does not is routed at the start; what nobody knows is taken away", async () => {
  await deployer.addApp(testDefinition("blog"));
  await push("blog", "v1");
  world.engine.routed.clear();
  world.engine.routed.set("stranger", {
    app: "stranger",
    number: 1,
    image: "",
    definition: testDefinition("stranger"),
  });
  world.engine.placed.set("stranger", new Set([1]));
  deployer = new AppDeployer(world);
  await deployer.start();
  expect(live("blog")).toBe("v1");
  expect(world.engine.routed.has("stranger")).toBe(false);
});

test("stopping leaves a deployment where it is, for the next start", async () => {
  await deployer.addApp(testDefinition("blog"));
  world.sources.push("blog", "refs/tags/v1", "hang");
  const [hanging] = (await deployer.refsChanged("blog", "test")).queued;
  await deployer.stop();
  expect(deployer.deployment(hanging?.id ?? 0)).toMatchObject({ state: "building", finishedAt: null });
});
