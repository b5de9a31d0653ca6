import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { ended, FakeWorld, fakeDigest, settle } from "./fakes.ts";
import { AppDeployer, type Deployment } from "./index.ts";

const REPOSITORY = "registry.test/team/blog";
const IMAGE = { repository: REPOSITORY, site: null };
const signal = new AbortController().signal;
const options = { requestId: "test" };
const day = (number: number): number => Date.UTC(2026, 0, number);

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

async function addApp(change: Partial<AppDefinition> = {}, name = "blog"): Promise<void> {
  await deployer.addApp(testDefinition(name, { image: IMAGE, ...change }));
  await settle();
  world.registry.requests.length = 0;
}

/** Somebody pushes an image that is made of its name. */
function push(tag: string, { name = tag, at = day(1) }: { name?: string; at?: number } = {}): string {
  world.registry.push(REPOSITORY, tag, fakeDigest(name), at);
  return fakeDigest(name);
}

async function advance(ms: number): Promise<void> {
  await world.clock.advance(ms);
  await settle();
}

const told = { registry: "registry.test", repository: "team/blog", isProven: true };
const hint = (...tags: string[]): Promise<string> => deployer.imageChanged({ ...told, tags }, "webhook-x", signal);
/** Of tags that are not there, and do not come while they are waited for. */
async function hintOfAbsent(...tags: string[]): Promise<string> {
  const said = hint(...tags);
  await settle();
  for (const ms of [400, 1600]) await advance(ms);
  return await said;
}

const newest = (): Deployment => deployer.deployments("blog", 1)[0]!;
const count = (): number => deployer.deployments("blog", 99).length;

describe("a hint of an image", () => {
  test("is asked of the registry, and what is new is pulled and goes live, once", async () => {
    await addApp();
    const digest = push("v1");
    expect(await hint("v1")).toBe(`blog: v1 (${digest.slice(0, 19)}) is deployment 1`);
    const reference = `${REPOSITORY}:v1@${digest}`;
    expect(await ended(deployer, newest())).toMatchObject({
      state: "live",
      image: digest,
      source: { kind: "image", reference, tag: "v1", digest },
      requestId: "webhook-x",
      byItself: true,
    });
    expect(world.registry.requests).toContain(`pull ${reference}`);
    expect(deployer.releases("blog")).toMatchObject([{ reference, ref: null, commit: null, live: true }]);
    expect(await hint("v1", "v1")).toBe(`blog: v1 is ${digest.slice(0, 19)}, which is live by deployment 1`);
    await deployer.lookAtImages("blog", "poll");
    expect(count()).toBe(1);
  });

  test("of a tag that moved deploys as moved", async () => {
    await addApp();
    const before = push("v1");
    await hint("v1");
    await ended(deployer, newest());
    const after = push("v1", { name: "v1 again", at: day(2) });
    expect(await hint("v1")).toBe(
      `blog: v1 (${after.slice(0, 19)}, moved from ${before.slice(0, 19)}) is deployment 2`,
    );
    expect(await ended(deployer, newest())).toMatchObject({ state: "live", source: { movedFrom: before } });
  });

  test("of `latest`, of what is older, of another's tags deploys nothing, and says why", async () => {
    await addApp({ tags: ["v*"] });
    push("v2", { at: day(2) });
    await hint("v2");
    for (const tag of ["latest", "nightly", "v1"]) push(tag);
    expect(await hint("latest")).toContain("the tag `latest` never deploys");
    expect(await hint("nightly")).toContain("nightly does not match the tags that deploy (v*)");
    expect(await hint("v1")).toBe(
      `blog: v1 is older than v2, which is the newest tag; \`steppe deploy blog --image ${REPOSITORY}:v1\` deploys it`,
    );
    expect(count()).toBe(1);
    expect(world.registry.requests).not.toContain(`resolve ${REPOSITORY}:latest`);
  });

  test("takes `release-` off before the policy looks", async () => {
    await addApp({ policy: { semver: "^1.2", approve: false, windows: [] }, tags: ["v*"] });
    push("release-v1.10.0");
    push("release-v1.9.0", { name: "nine" });
    expect(await hint("release-v1.9.0", "release-v1.10.0")).toContain("release-v1.10.0 (sha256:");
    expect(newest().source).toMatchObject({ tag: "release-v1.10.0" });
    await ended(deployer, newest());
    push("release-v1.9.1");
    expect(await hint("release-v1.9.1")).toContain("v1.9.1 is below v1.10.0, which is live");
    expect(world.registry.requests.some((request) => request.startsWith("created"))).toBe(false);
  });

  test("of a registry by another name is of the apps with that path, if it is nobody's by its full name", async () => {
    await addApp();
    push("v1");
    const elsewhere = { ...told, registry: "10.0.0.7:5000", tags: ["v1"] };
    expect(await deployer.imageChanged(elsewhere, "r", signal)).toContain("is deployment 1");
    const other = { ...told, repository: "team/other", tags: ["v1"] };
    expect(await deployer.imageChanged(other, "r", signal)).toBe("no app has the image registry.test/team/other");
  });

  test("is tried again if the registry fails; nothing is marked", async () => {
    await addApp();
    push("v1");
    const parts = { operation: "look up", subject: REPOSITORY, cause: "down" };
    world.registry.trouble = () => {
      throw new SteppeError("REGISTRY_UNREACHABLE", parts);
    };
    await expect(hint("v1")).rejects.toThrow("down");
    world.registry.trouble = () => {};
    expect(await hint("v1")).toContain("is deployment 1");
  });

  test("and many at once, and a poll, are one look more: one of them deploys", async () => {
    await addApp();
    const gate = Promise.withResolvers<void>();
    world.registry.trouble = () => gate.promise;
    push("v0");
    const first = hint("v0");
    await settle();
    for (let number = 1; number <= 300; number++) push(`v${number}`, { at: day(number) });
    const others = Array.from({ length: 300 }, (_, index) => hint(`v${index + 1}`));
    const poll = deployer.lookAtImages("blog", "poll");
    gate.resolve();
    await Promise.all([first, ...others, poll]);
    await ended(deployer, newest());
    expect(newest().source).toMatchObject({ tag: "v300" });
    expect(world.registry.requests.length).toBeLessThan(120);
    await deployer.lookAtImages("blog", "poll");
    expect(count()).toBe(1);
  });

  test("of many tags, of which most are not looked at, says so", async () => {
    await addApp();
    push("v0");
    await hint("v0");
    const tags = Array.from({ length: 100 }, (_, index) => `v${index + 1}`);
    for (const tag of tags) push(tag, { at: day(Number(tag.slice(1)) + 1) });
    const outcome = await hint(...tags);
    expect(outcome).toMatch(/^blog: v100 \(sha256:\w{12}\) is deployment 2; v1 came with many others/);
    expect(outcome).toContain("and 95 more that do not deploy");
  });
});

describe("a poll", () => {
  test("first deploys one of 200 tags, marks the others, and asks little", async () => {
    await addApp();
    for (let number = 1; number <= 200; number++) push(`v${number}`, { at: day(number) });
    await deployer.lookAtImages("blog", "poll");
    expect(newest().source).toMatchObject({ tag: "v200" });
    await ended(deployer, newest());
    expect(world.registry.requests.length).toBeLessThan(50);
    world.registry.requests.length = 0;
    await deployer.lookAtImages("blog", "poll");
    expect(count()).toBe(1);
    expect(world.registry.requests.length).toBeLessThan(15);
  });

  test("finds what no hint told of, also a tag that moved, within some polls", async () => {
    await addApp();
    for (let number = 1; number <= 50; number++) push(`v${number}`, { at: day(number) });
    for (let polls = 0; polls < 8; polls++) {
      await deployer.lookAtImages("blog", "poll");
      await world.clock.advance(1000);
    }
    push("v51", { at: day(51) });
    await deployer.lookAtImages("blog", "poll");
    await ended(deployer, newest());
    expect(newest().source).toMatchObject({ tag: "v51" });
    push("v7", { name: "moved", at: day(60) });
    for (let polls = 0; polls < 6; polls++) {
      await deployer.lookAtImages("blog", "poll");
      await world.clock.advance(1000);
    }
    expect(newest().source).toMatchObject({ tag: "v7", movedFrom: fakeDigest("v7") });
    expect(count()).toBe(3);
  });

  test("does not deploy anew what the registry's list had not for once", async () => {
    await addApp();
    push("v1");
    await deployer.lookAtImages("blog", "poll");
    const tags = world.registry.repositories.get(REPOSITORY)!;
    world.registry.repositories.delete(REPOSITORY);
    await deployer.lookAtImages("blog", "poll");
    world.registry.repositories.set(REPOSITORY, tags);
    await deployer.lookAtImages("blog", "poll");
    expect(count()).toBe(1);
  });
});

test("an image whose pull a crash cut short is pulled again, and goes live", async () => {
  await addApp();
  push("v1");
  const { pull } = world.content;
  const begun = Promise.withResolvers<void>();
  world.content.pull = ({ signal: ended }) => {
    begun.resolve();
    return new Promise((_, reject) => ended.addEventListener("abort", () => reject(ended.reason as Error)));
  };
  await hint("v1");
  await begun.promise;
  await deployer.stop();
  world.content.pull = pull;
  const next = new AppDeployer(world);
  await next.start();
  expect(await ended(next, next.deployments("blog", 1)[0])).toMatchObject({ id: 1, state: "live" });
  await next.lookAtImages("blog", "poll");
  expect(next.deployments("blog", 9)).toHaveLength(1);
  await next.stop();
});

test("an app that has nothing but a tag of git live takes no older image of a registry that it gets", async () => {
  await addApp({ image: null });
  world.sources.push("blog", "refs/tags/v5", "c5");
  await deployer.refsChanged("blog", "git");
  await ended(deployer, newest());
  push("release-v4", { at: world.clock.now() - 1000 });
  const { definition } = deployer.app("blog");
  await deployer.apply([{ ...definition, image: IMAGE }], { dryRun: false, prune: false, requestId: "apply" });
  await settle();
  const before = count();
  expect(await hint("release-v4")).toContain("v4 is older than v5, which is the newest tag");
  push("release-v6", { at: world.clock.now() + 1000 });
  expect(await hint("release-v6")).toContain("is deployment");
  expect(count()).toBe(before + 1);
});

describe("what is built of a tag", () => {
  test("is pushed as release-TAG before it is live, and no hint or poll of it is a second deployment", async () => {
    await addApp();
    const digest = fakeDigest("c1");
    const outcomes: Array<Promise<unknown>> = [];
    const { push: pushed } = world.registry;
    world.registry.push = function record(...args) {
      pushed.apply(world.registry, args);
      outcomes.push(hint("release-v1"), deployer.lookAtImages("blog", "poll"));
    };
    world.sources.push("blog", "refs/tags/v1", "c1");
    await deployer.refsChanged("blog", "git");
    expect(await ended(deployer, newest())).toMatchObject({ state: "live", image: digest });
    expect(await Promise.all(outcomes)).toContainEqual(expect.stringContaining("blog: release-v1 is sha256:"));
    expect(await hint("release-v1")).toBe(`blog: release-v1 is ${digest.slice(0, 19)}, which is live by deployment 1`);
    expect(count()).toBe(1);
    const events = [];
    for await (const { event, message } of deployer.events(1, signal)) events.push(`${event} ${message}`);
    expect(events.findIndex((it) => it === `note pushed: ${REPOSITORY}:release-v1`)).toBeLessThan(
      events.findIndex((it) => it.startsWith("released")),
    );
  });

  test("is not deployed by a poll while it is being pushed, nor when its push failed", async () => {
    await addApp();
    world.content.beforePush = async () => {
      await deployer.lookAtImages("blog", "poll");
      await hintOfAbsent("release-v1");
      throw new SteppeError("REGISTRY_DENIED", { operation: "push", subject: REPOSITORY, cause: "no room" });
    };
    world.sources.push("blog", "refs/tags/v1", "c1");
    await deployer.refsChanged("blog", "git");
    expect(await ended(deployer, newest())).toMatchObject({
      state: "failed",
      error: {
        code: "REGISTRY_DENIED",
        cause: "no room",
        hint: expect.stringContaining("steppe deploy blog --tag v1"),
      },
    });
    expect(deployer.releases("blog")).toEqual([]);
    expect(count()).toBe(1);
  });

  test("is pushed again after a crash, and then goes live", async () => {
    await addApp();
    const crashed = Promise.withResolvers<void>();
    world.content.beforePush = (request) => {
      crashed.resolve();
      return new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason as Error));
      });
    };
    world.sources.push("blog", "refs/tags/v1", "c1");
    await deployer.refsChanged("blog", "git");
    await crashed.promise;
    await deployer.stop();
    world.content.beforePush = () => {};
    const next = new AppDeployer(world);
    await next.start();
    expect(await ended(next, next.deployments("blog", 1)[0])).toMatchObject({ state: "live" });
    expect(world.registry.requests.filter((it) => it.startsWith("push"))).toEqual([`push ${REPOSITORY}:release-v1`]);
    expect(world.content.built).toEqual(["v1"]);
    await next.lookAtImages("blog", "poll");
    expect(next.deployments("blog", 9)).toHaveLength(1);
    await next.stop();
  });

  test("is not pushed of a branch, nor of a tag that no image can have", async () => {
    await addApp({ branches: ["main"] });
    for (const ref of ["refs/heads/main", "refs/tags/a/b"]) {
      world.sources.push("blog", ref, `c-${ref}`);
      await deployer.refsChanged("blog", "git");
      expect(await ended(deployer, newest())).toMatchObject({ state: "live" });
    }
    expect(world.registry.requests.filter((it) => it.startsWith("push"))).toEqual([]);
  });
});

describe("an image that a person asks for", () => {
  test("is deployed by its tag, whatever the patterns, and once", async () => {
    await addApp({ tags: ["v*"] });
    const digest = push("nightly");
    const deployment = await deployer.deployImage("blog", `${REPOSITORY}:nightly`, options);
    expect(await ended(deployer, deployment)).toMatchObject({ state: "live", image: digest, byItself: false });
    await deployer.lookAtImages("blog", "poll");
    expect(count()).toBe(1);
  });

  test("is `latest` by its digest only", async () => {
    await addApp();
    const digest = push("latest");
    for (const reference of [REPOSITORY, `${REPOSITORY}:latest`]) {
      await expect(deployer.deployImage("blog", reference, options)).rejects.toMatchObject({ code: "TAG_REFUSED" });
    }
    const pinned = await deployer.deployImage("blog", `${REPOSITORY}:latest@${digest}`, options);
    expect(await ended(deployer, pinned)).toMatchObject({ state: "live" });
    const byDigest = await deployer.deployImage("blog", `${REPOSITORY}@${digest}`, options);
    expect(byDigest.source).toMatchObject({ tag: null, digest });
  });

  test("is not deployed if who asked went away before the registry answered", async () => {
    await addApp();
    push("v1");
    const gone = new AbortController();
    world.registry.trouble = () => gone.abort(new Error("gone"));
    const asked = deployer.deployImage("blog", `${REPOSITORY}:v1`, { ...options, signal: gone.signal });
    await expect(asked).rejects.toThrow("gone");
    expect(count()).toBe(0);
  });

  test("is refused if it is not there, or no reference", async () => {
    await addApp();
    await expect(deployer.deployImage("blog", `${REPOSITORY}:v9`, options)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
    await expect(deployer.deployImage("blog", "Nope:", options)).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
    expect(count()).toBe(0);
  });
});

test("an app of which the image's folder changed has its image taken in anew", async () => {
  await addApp();
  push("v1");
  await hint("v1");
  await ended(deployer, newest());
  const { definition } = deployer.app("blog");
  const changed = { ...definition, image: { repository: REPOSITORY, site: "/srv" } };
  const { deployments } = await deployer.apply([changed], { dryRun: false, prune: false, requestId: "apply" });
  expect(deployments).toMatchObject([{ source: { kind: "image", tag: "v1" } }]);
});

test("the removal of an app ends its looks, and one of its name begins anew", async () => {
  await addApp();
  push("v1");
  const gate = Promise.withResolvers<void>();
  world.registry.trouble = () => gate.promise;
  const looking = deployer.lookAtImages("blog", "poll");
  const removing = deployer.removeApp("blog");
  gate.resolve();
  await expect(looking).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
  await removing;
  await addApp();
  expect(newest().source).toMatchObject({ tag: "v1" });
});
