import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
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
