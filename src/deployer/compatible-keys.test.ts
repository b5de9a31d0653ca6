import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import { AppTable } from "../store/index.ts";
import { AppDeployer } from "./deployer.ts";
import { FakeWorld } from "./fakes.ts";

const options = { dryRun: false, prune: false, requestId: "test" };

function keyed(name: string, key: string): AppDefinition {
  const fields = { job: "j", service: null, webhook: null, minHealthyMs: 0, healthyDeadlineMs: 1 };
  return testDefinition(name, { compatible: { ...fields, key } });
}

test("no two apps write one key in Consul: the second is refused, with the names of both", async () => {
  const deployer = new AppDeployer(new FakeWorld());
  await deployer.start();
  await deployer.addApp(keyed("a", "k"));
  const refused = { code: "CONFIG_INVALID", subject: "the key k to the app b", reason: "the app a writes it already" };
  await expect(deployer.addApp(keyed("b", "k"))).rejects.toMatchObject(refused);
  await expect(deployer.apply([keyed("b", "k")], options)).rejects.toMatchObject(refused);
  await expect(deployer.apply([keyed("a", "k"), keyed("b", "k")], options)).rejects.toMatchObject(refused);
  await deployer.apply([testDefinition("c")], options);
  // One may give it to another, or go.
  await deployer.apply([keyed("a", "other"), keyed("b", "k")], options);
  await deployer.apply([keyed("c", "k")], { ...options, prune: true });
  expect(deployer.apps().map(({ definition }) => definition.name)).toEqual(["c"]);
  await deployer.stop();
});

test("two apps that shared one before that was asked keep no other from being added", async () => {
  const world = new FakeWorld();
  const deployer = new AppDeployer(world);
  await deployer.start();
  await deployer.addApp(keyed("a", "k"));
  await deployer.addApp(keyed("b", "other"));
  new AppTable(world.store).updateDefinition(keyed("b", "k"), world.clock.now());
  await deployer.addApp(keyed("c", "mine"));
  await deployer.apply([keyed("a", "k"), keyed("b", "k"), keyed("c", "new")], options);
  await expect(deployer.addApp(keyed("d", "k"))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  expect(deployer.apps().map(({ definition }) => definition.name)).toEqual(["a", "b", "c"]);
  await deployer.stop();
});
