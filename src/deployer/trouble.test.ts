import { beforeEach, describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeTree, FakeWorld, settle } from "./fakes.ts";
import type { Deployment, DeploymentEvent } from "./types.ts";

const DAY = 24 * 60 * 60 * 1000;
const HOUR = 3_600_000;

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
});

/** Pushes a tag and follows what comes of it. */
async function push(app: string, tag: string): Promise<Deployment> {
  world.sources.push(app, `refs/tags/${tag}`, tag);
  return ended(deployer, (await deployer.refsChanged(app, "test")).queued[0]);
}

/** Makes the next commit that `when` holds for fail, as on a full disk. */
function failCommit(when: () => boolean): void {
  const { database } = world.store;
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    if (sql !== "COMMIT" || !when()) return exec(sql);
    database.exec = exec;
    throw new Error("database or disk is full");
  };
}

test("with a clock that was set back, what was replaced last is what is still promised", async () => {
  await deployer.addApp(testDefinition("blog", { keepReleases: 1, graceMs: HOUR }));
  await push("blog", "v1");
  await world.clock.advance(2 * HOUR);
  await push("blog", "v2");
  const now = world.clock.now() - 3 * HOUR;
  world.clock.now = () => now;
  await push("blog", "v3");
  await settle();
  await deployer.collectGarbage();
  expect(deployer.releases("blog").map(({ number }) => number)).toContain(2);
});

test("a tag that came with the one that a person asked for is deployed by the next look", async () => {
  await deployer.addApp(testDefinition("blog", { repository: "https://git.test/blog.git" }));
  await settle();
  for (const tag of ["v1", "v2"]) world.sources.push("blog", `refs/tags/${tag}`, tag);
  await ended(deployer, await deployer.deployRef("blog", { tag: "v1" }, { requestId: "test" }));
  const { queued } = await deployer.refsChanged("blog", "poll");
  expect(queued.map(({ source }) => source)).toMatchObject([{ kind: "ref", ref: "refs/tags/v2" }]);
  await ended(deployer, queued[0]);
  expect((await deployer.refsChanged("blog", "poll")).queued).toEqual([]);
});

test("an upload for an app that was removed meanwhile is told so", async () => {
  await deployer.addApp(testDefinition("blog"));
  const { build } = world.content;
  world.content.build = async (request) => {
    await deployer.removeApp("blog");
    return build.call(world.content, request);
  };
  const upload = deployer.deployUpload("blog", fakeTree("public"), { requestId: "test" });
  await expect(upload).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
});

test("a repository that cannot be packed anew does not keep the others from it", async () => {
  for (const app of ["a", "b", "c"]) await deployer.addApp(testDefinition(app));
  const maintained: string[] = [];
  world.sources.maintain = async (app) => {
    maintained.push(app);
    if (app !== "c") throw new Error("it is damaged");
  };
  await world.clock.advance(DAY);
  await settle();
  expect(maintained).toEqual(["a", "b", "c"]);
});

describe("when what went live cannot be journaled", () => {
  /** The switch is made, and then the disk is full for a moment. */
  const failAfterSwitch = (release: number): void =>
    failCommit(() => world.engine.routed.get("blog")?.number === release);

  test("nobody is told that it is live, and the release before serves", async () => {
    await deployer.addApp(testDefinition("blog"));
    await push("blog", "v1");
    const told: DeploymentEvent["event"][] = [];
    deployer.subscribe(({ event }) => told.push(event));
    failAfterSwitch(2);
    expect(await push("blog", "v2")).toMatchObject({ state: "failed" });
    expect(told.slice(-2)).toEqual(["healthy", "failed"]);
    expect(world.engine.routed.get("blog")?.number).toBe(1);
  });

  test("a first release does not serve either", async () => {
    await deployer.addApp(testDefinition("blog"));
    failAfterSwitch(1);
    expect(await push("blog", "v1")).toMatchObject({ state: "failed" });
    expect(world.engine.routed.has("blog")).toBe(false);
  });
});

describe("compressed forms of what went live", () => {
  test("are made at the next start, if the process died before it had made them", async () => {
    await deployer.addApp(testDefinition("blog"));
    world.content.encode = () => new Promise(() => {});
    await push("blog", "v1");
    await settle();
    const encoded: string[] = [];
    world.content.encode = async (digest) => {
      encoded.push(world.content.commitOf(digest));
      return true;
    };
    await new AppDeployer(world).start();
    await settle();
    expect(encoded).toEqual(["v1"]);
    await new AppDeployer(world).start();
    await settle();
    expect(encoded).toEqual(["v1"]);
  });

  test("are told to the engine at the next start, if they were made and that failed", async () => {
    await deployer.addApp(testDefinition("blog"));
    let made = 0;
    world.content.encode = async () => ++made === 1;
    world.engine.trouble = (call) => {
      if (call === "refresh") throw new Error("the disk is full");
    };
    await push("blog", "v1");
    await settle();
    world.engine.trouble = () => {};
    world.engine.calls.length = 0;
    await new AppDeployer(world).start();
    await settle();
    await new AppDeployer(world).start();
    await settle();
    expect(world.engine.calls.filter((call) => call.startsWith("refresh"))).toEqual(["refresh blog 1"]);
  });

  test("are made the next day, if the disk was full", async () => {
    await deployer.addApp(testDefinition("blog"));
    let tries = 0;
    world.content.encode = async () => {
      if (++tries === 1) throw new Error("the disk is full");
      return true;
    };
    await push("blog", "v1");
    await settle();
    expect(tries).toBe(1);
    await world.clock.advance(DAY);
    await settle();
    expect(tries).toBe(2);
    await world.clock.advance(DAY);
    await settle();
    expect(tries).toBe(2);
  });
});
