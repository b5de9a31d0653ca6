import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeDigest, FakeWorld, settle } from "./fakes.ts";

const REPOSITORY = "registry.test/team/blog";

/** An app of whose repository there were more tags than are asked for at the first look; none tells when its image was made. */
async function manyTags() {
  const world = new FakeWorld();
  const deployer = new AppDeployer(world);
  await deployer.start();
  for (let tag = 1; tag <= 40; tag++) world.registry.push(REPOSITORY, `v${tag}`, fakeDigest(`v${tag}`));
  await deployer.addApp(testDefinition("blog", { image: { repository: REPOSITORY, site: null } }));
  await settle();
  await ended(deployer, deployer.deployments("blog", 1)[0]);
  const hint = (tag: string, isProven: boolean): Promise<string> => {
    const hinted = { registry: "registry.test", repository: "team/blog", tags: [tag], isProven };
    return deployer.imageChanged(hinted, "hint", new AbortController().signal);
  };
  return { world, deployer, hint };
}

test("an old tag that was never asked for is no newer since somebody tells of it who may be anybody", async () => {
  const { world, deployer, hint } = await manyTags();
  expect(deployer.releases("blog")[0]?.reference).toContain(":v40@");
  expect(await hint("v1", false)).toMatch(/^blog: v1 is sha256:\w+, which is known, and was not deployed$/);
  expect(deployer.deployments("blog", 9)).toHaveLength(1);
  // What is new is deployed, whoever tells of it.
  world.registry.push(REPOSITORY, "v41", fakeDigest("v41"));
  expect(await hint("v41", false)).toContain("is deployment 2");
  await deployer.stop();
});

test("but by the word of a sender that is known it was pushed anew", async () => {
  const { deployer, hint } = await manyTags();
  expect(await hint("v2", true)).toContain("is deployment 2");
  await deployer.stop();
});
