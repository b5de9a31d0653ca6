import { beforeEach, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeTree, FakeWorld } from "./fakes.ts";

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
});

test("garbage is collected a day after the last time, also by a later process", async () => {
  await world.clock.advance(10 * 60_000);
  expect(world.content.collections).toBe(1);
  await world.clock.advance(12 * 3_600_000);
  await deployer.stop();
  deployer = new AppDeployer(world);
  await deployer.start();
  await world.clock.advance(11 * 3_600_000);
  expect(world.content.collections).toBe(1);
  await world.clock.advance(3_600_000);
  expect(world.content.collections).toBe(2);
});

test("garbage is collected after a deployment when there is much of it", async () => {
  await deployer.addApp(testDefinition("blog"));
  const deploy = async (): Promise<number> => {
    await ended(deployer, await deployer.deployUpload("blog", fakeTree("public"), { requestId: "test" }));
    await new Promise(setImmediate);
    return world.content.collections;
  };
  const addImage = (digest: string, bytes: number) =>
    world.store.run("INSERT INTO images (digest, files, bytes, created_at) VALUES (?, 1, ?, 0)", digest, bytes);
  addImage("sha256:1", 90e6);
  expect(await deploy()).toBe(0);
  addImage("sha256:2", 20e6);
  expect(await deploy()).toBe(1);
  addImage(deployer.releases("blog")[0]?.image ?? "", 1e9); // a quarter of what is kept is little
  expect(await deploy()).toBe(1);
  addImage("sha256:3", 200e6);
  expect(await deploy()).toBe(2);
});
