import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import { type ErrorCode, SteppeError } from "../shared/errors.ts";
import { ended, FakeWorld, fakeDigest, settle } from "./fakes.ts";
import { AppDeployer, type Deployment, type DeploymentEvent } from "./index.ts";

const REPOSITORY = "registry.test/team/blog";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
});

afterEach(async () => {
  await deployer.stop();
  world.store.close();
});

async function addApp(change: Partial<AppDefinition> = {}): Promise<void> {
  await deployer.addApp(testDefinition("blog", { image: { repository: REPOSITORY, site: null }, ...change }));
  await settle();
}

/** Somebody pushes an image, and a poll finds it. */
async function find(tag: string): Promise<void> {
  world.registry.push(REPOSITORY, tag, fakeDigest(tag), world.clock.now());
  await deployer.lookAtImages("blog", "poll");
  await settle();
}

/** From now on these requests fail. */
function breakRegistry(which: string, code: ErrorCode = "REGISTRY_UNREACHABLE", retryAfterMs?: number): void {
  const parts = { operation: "pull", subject: "it", cause: "it is away" };
  const fail = (request: string): void => {
    if (request.startsWith(which)) throw new SteppeError(code, parts, { retryAfterMs });
  };
  world.registry.trouble = fail;
  world.content.beforePush = ({ reference }) => fail(`push ${reference}`);
}

function mendRegistry(): void {
  world.registry.trouble = () => {};
  world.content.beforePush = () => {};
}

async function advance(ms: number): Promise<void> {
  await world.clock.advance(ms);
  await settle();
}

const newest = (): Deployment => deployer.deployments("blog", 1)[0]!;
const pulls = (): number => world.registry.requests.filter((request) => request.startsWith("pull")).length;

describe("an image whose registry goes away before it is pulled", () => {
  test("is live when that is back after ten minutes, once, and what was live serves until then", async () => {
    await addApp();
    await find("v1");
    breakRegistry("pull");
    await find("v2");
    expect(newest()).toMatchObject({ id: 2, state: "queued", hold: { kind: "registry", cause: "it is away" } });
    await advance(10 * MINUTE);
    expect(newest()).toMatchObject({ id: 2, state: "queued", hold: { kind: "registry" } });
    expect(world.engine.routed.get("blog")?.number).toBe(1);
    expect(pulls()).toBeLessThan(10);
    mendRegistry();
    await advance(6 * MINUTE);
    expect(newest()).toMatchObject({ id: 2, state: "live", hold: null });
    await deployer.lookAtImages("blog", "poll");
    expect(deployer.deployments("blog", 9)).toHaveLength(2);
  });

  test("says so, and when it is tried again", async () => {
    await addApp();
    const said: DeploymentEvent[] = [];
    deployer.subscribe((event) => said.push(event));
    breakRegistry("pull", "REGISTRY_LIMITED");
    await find("v1");
    const lines = said.filter(({ seq }) => seq > 0).map(({ event, message }) => `${event} ${message}`);
    expect(lines.slice(-2)).toEqual([
      "queued could not be pulled",
      expect.stringMatching(/^held waits for the registry \(it is away\); tried again at 00:00:1\d UTC$/),
    ]);
  });

  test("is left alone for as long as the registry asks", async () => {
    await addApp();
    breakRegistry("pull", "REGISTRY_LIMITED", 6 * HOUR);
    await find("v1");
    mendRegistry();
    await advance(6 * HOUR - 1);
    expect(newest()).toMatchObject({ state: "queued", hold: { retryAt: world.clock.now() + 1 } });
    expect(pulls()).toBe(1);
    await advance(1);
    expect(newest()).toMatchObject({ state: "live" });
  });

  test("is pulled at once after a restart", async () => {
    await addApp();
    breakRegistry("pull");
    await find("v1");
    await deployer.stop();
    mendRegistry();
    deployer = new AppDeployer(world);
    await deployer.start();
    expect(await ended(deployer, newest())).toMatchObject({ id: 1, state: "live", hold: null });
  });

  test("gives way to a newer one, and to what a person asks for", async () => {
    await addApp();
    breakRegistry("pull");
    await find("v1");
    await advance(1000);
    await find("v2");
    expect(deployer.deployment(1)).toMatchObject({ state: "superseded" });
    const asked = await deployer.deployImage("blog", `${REPOSITORY}:v1`, { requestId: "test" });
    expect(await ended(deployer, asked)).toMatchObject({ state: "failed", error: { code: "REGISTRY_UNREACHABLE" } });
    expect(deployer.deployment(2)).toMatchObject({ state: "superseded" });
    mendRegistry();
    await advance(HOUR);
    expect(deployer.deployments("blog", 9).map(({ state }) => state)).not.toContain("live");
  });

  test("fails after a day, with what is wrong and how to ask for it again", async () => {
    await addApp();
    breakRegistry("pull");
    await find("v1");
    for (let hours = 0; hours < 25; hours++) await advance(HOUR);
    expect(newest()).toMatchObject({
      state: "failed",
      error: { code: "REGISTRY_UNREACHABLE", hint: expect.stringContaining("steppe deploy blog --image") as string },
    });
    expect(pulls()).toBeLessThan(400);
  });

  test("and is refused there fails at once", async () => {
    await addApp();
    breakRegistry("pull", "REGISTRY_DENIED");
    await find("v1");
    expect(newest()).toMatchObject({ state: "failed", error: { code: "REGISTRY_DENIED" } });
  });
});

describe("what is built of a tag, whose registry is away", () => {
  test("is not built again, and is pushed and live when that is back", async () => {
    await addApp();
    breakRegistry("push");
    world.sources.push("blog", "refs/tags/v1", "c1");
    await deployer.refsChanged("blog", "git");
    await settle();
    expect(newest()).toMatchObject({ state: "built", hold: { kind: "registry" } });
    expect(deployer.releases("blog")).toEqual([]);
    mendRegistry();
    await advance(MINUTE);
    expect(newest()).toMatchObject({ state: "live" });
    expect(world.content.built).toEqual(["v1"]);
    await deployer.lookAtImages("blog", "poll");
    expect(deployer.deployments("blog", 9)).toHaveLength(1);
  });
});

describe("an app whose image was never there", () => {
  const poll = (): Promise<void> => deployer.lookAtImages("blog", "poll");

  test("says so after some polls, until there is a tag", async () => {
    await addApp();
    const since = world.clock.now();
    await advance(MINUTE);
    await poll();
    expect(deployer.app("blog").tagsUnread).toBeNull();
    await poll();
    expect(deployer.app("blog").tagsUnread).toMatchObject({
      since,
      error: {
        code: "IMAGE_NOT_FOUND",
        cause: "registry.test has no repository team/blog: correct the app's `image`, or push the first tag",
      },
    });
    world.registry.repositories.set(REPOSITORY, new Map());
    await poll();
    expect(deployer.app("blog").tagsUnread?.error.cause).toContain(`${REPOSITORY} has no tags`);
    await find("v1");
    expect(deployer.app("blog").tagsUnread).toBeNull();
    world.registry.repositories.delete(REPOSITORY);
    for (let looks = 0; looks < 5; looks++) await poll();
    expect(deployer.app("blog").tagsUnread).toBeNull();
  });

  test("and that gets another begins anew", async () => {
    await addApp();
    for (let looks = 0; looks < 3; looks++) await poll();
    const { definition } = deployer.app("blog");
    const image = { repository: "registry.test/team/other", site: null };
    await deployer.apply([{ ...definition, image }], { dryRun: false, prune: false, requestId: "apply" });
    await poll();
    expect(deployer.app("blog").tagsUnread).toBeNull();
    await deployer.removeApp("blog");
    await addApp({ repository: "https://git.test/blog.git" });
    for (let looks = 0; looks < 5; looks++) await poll();
    expect(deployer.app("blog").tagsUnread).toBeNull(); // the first tag is pushed by us
  });
});

test("a registry that hangs keeps no build, and no pull from another registry, waiting", async () => {
  const gate = Promise.withResolvers<void>();
  world.registry.trouble = (request) => (request.startsWith("pull hangs.test/") ? gate.promise : undefined);
  for (const [index, host] of ["hangs.test", "hangs.test", "hangs.test", "answers.test"].entries()) {
    const repository = `${host}/team/blog-${index}`;
    await deployer.addApp(testDefinition(`blog-${index}`, { image: { repository, site: null } }));
    world.registry.push(repository, "v1", fakeDigest(`v1 of ${index}`), world.clock.now());
    await deployer.lookAtImages(`blog-${index}`, "poll");
  }
  expect((await ended(deployer, deployer.deployments("blog-3", 1)[0])).state).toBe("live");
  const pulls = world.registry.requests.filter((request) => request.startsWith("pull hangs.test/"));
  expect(pulls).toHaveLength(world.parallelBuilds);
  gate.resolve();
});
