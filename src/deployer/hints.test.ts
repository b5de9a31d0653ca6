import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { SteppeError } from "../shared/errors.ts";
import { ended, FakeWorld } from "./fakes.ts";
import { AppDeployer } from "./index.ts";

const signal = new AbortController().signal;
const remote = (name: string, repository: string) => ({ ...testDefinition(name), domains: [], repository });

async function start() {
  const world = new FakeWorld();
  const deployer = new AppDeployer(world);
  await deployer.start();
  return { world, deployer, [Symbol.asyncDispose]: () => deployer.stop() };
}

test("a hint of a ref has each app looked at whose repository it is, by whatever address", async () => {
  await using it = await start();
  const { deployer, world } = it;
  await deployer.addApp(remote("blog", "https://git.test/team/blog.git"));
  await deployer.addApp(remote("copy", "git@GIT.test:team/blog"));
  await deployer.addApp(remote("other", "https://git.test/team/other"));
  await deployer.addApp(testDefinition("here"));
  world.sources.push("blog", "refs/tags/v1", "c1");
  world.sources.fetched.length = 0;

  const outcome = await deployer.repositoryChanged(["ssh://git@git.test:22/team/blog"], "webhook-x", signal);
  expect(outcome).toMatch(/^blog: deployment \d+\. copy: nothing new$/);
  expect(world.sources.fetched.sort()).toEqual(["blog", "copy"]);
  const [deployment] = deployer.deployments("blog", 1);
  expect(await ended(deployer, deployment)).toMatchObject({ state: "live", requestId: "webhook-x" });
  expect(await deployer.repositoryChanged(["https://git.test/team/none"], "r", signal)).toBe(
    "no app has the repository https://git.test/team/none",
  );
});

test("a repository that cannot be read rejects, so that it is tried again; the other apps were looked at", async () => {
  await using it = await start();
  const { deployer, world } = it;
  for (const name of ["a", "b"]) await deployer.addApp(remote(name, "https://git.test/team/blog"));
  world.sources.push("b", "refs/tags/v1", "c1");
  world.sources.fetch = async (app) => {
    if (app === "a") throw new SteppeError("REMOTE_UNREACHABLE", { operation: "fetch", subject: app, cause: "down" });
  };
  await expect(deployer.repositoryChanged(["https://git.test/team/blog"], "r", signal)).rejects.toThrow("down");
  expect(deployer.deployments("b", 9)).toHaveLength(1);
});

test("who stops waiting gives up at once", async () => {
  await using it = await start();
  const { deployer, world } = it;
  await deployer.addApp(remote("a", "https://git.test/team/blog"));
  const slow = Promise.withResolvers<void>();
  world.sources.fetch = () => slow.promise;
  const controller = new AbortController();
  const waiting = deployer.repositoryChanged(["https://git.test/team/blog"], "r", controller.signal);
  controller.abort(new Error("stopping"));
  await expect(waiting).rejects.toThrow("stopping");
  slow.resolve();
});
