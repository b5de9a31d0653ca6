import { beforeEach, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { AppDeployer } from "./deployer.ts";
import { FakeWorld } from "./fakes.ts";
import type { Deployment } from "./types.ts";

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
  return ended((await deployer.refsChanged(app, "test")).queued[0]);
}

async function ended(deployment: Deployment | undefined): Promise<Deployment> {
  if (deployment === undefined) throw new Error("nothing was queued");
  for await (const _ of deployer.events(deployment.id, new AbortController().signal));
  return deployer.deployment(deployment.id);
}

/** Lets everything come to its end that waits for nothing. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
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
