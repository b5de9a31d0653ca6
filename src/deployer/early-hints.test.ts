import { afterEach, beforeEach, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { ImageTagTable } from "../store/index.ts";
import { AppDeployer } from "./deployer.ts";
import { FakeWorld, fakeDigest, settle } from "./fakes.ts";

const REPOSITORY = "registry.test/team/blog";

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
  await deployer.addApp(testDefinition("blog", { image: { repository: REPOSITORY, site: null } }));
  await settle();
});

afterEach(async () => {
  await deployer.stop();
  world.store.close();
});

/** Tells of tags, and lets the looks begin that come at once. */
async function hint(tags: string[], isProven = true): Promise<{ said: Promise<string> }> {
  const hinted = { registry: "registry.test", repository: "team/blog", tags, isProven };
  const said = deployer.imageChanged(hinted, "webhook-x", new AbortController().signal);
  await settle();
  return { said };
}

const push = (tag: string, at: number): void => world.registry.push(REPOSITORY, tag, fakeDigest(tag), at);

async function advance(ms: number): Promise<void> {
  await world.clock.advance(ms);
  await settle();
}

const looks = (tag: string): number => world.registry.requests.filter((one) => one.endsWith(`:${tag}`)).length;

test("a tag that the registry does not give yet is asked for again, with the others that were told of", async () => {
  push("v1", 1);
  await (
    await hint(["v1"])
  ).said;
  const { said } = await hint(["v2", "v1"]);
  expect([looks("v2"), looks("v1")]).toEqual([1, 2]);
  push("v2", 2);
  await advance(400);
  expect(await said).toMatch(/v2 \(sha256:.*\) is deployment 2; v1 is sha256:/);
  expect([looks("v2"), looks("v1")]).toEqual([2, 2]);
});

test("the first tag of all is, too", async () => {
  const { said } = await hint(["v1"]);
  push("v1", 1);
  await advance(400);
  expect(await said).toContain("is deployment 1");
});

test("one that does not come is asked for twice more; not by the word of one who may be anybody", async () => {
  push("v1", 1);
  await (
    await hint(["v1"])
  ).said;
  const { said } = await hint(["v9"]);
  for (const ms of [400, 1600]) await advance(ms);
  expect([await said, looks("v9")]).toEqual([`blog: there is no tag v9 in ${REPOSITORY}`, 3]);
  const anybody = await hint(["v8"], false);
  expect([await anybody.said, looks("v8")]).toEqual([`blog: there is no tag v8 in ${REPOSITORY}`, 1]);
});

test("tags that are not there are new when they come, however many were told of", async () => {
  push("v1", 1);
  await (
    await hint(["v1"])
  ).said;
  const { said } = await hint(["v2", "nightly", ...Array.from({ length: 30 }, (_, i) => `v${900 + i}`)]);
  for (const ms of [400, 1600]) await advance(ms);
  await said;
  expect([...new ImageTagTable(world.store).all("blog", REPOSITORY).keys()]).toEqual(["v1"]);
  push("v2", 2);
  await deployer.lookAtImages("blog", "poll");
  await settle();
  expect(deployer.deployments("blog", 1)).toMatchObject([{ state: "live", image: fakeDigest("v2") }]);
});
