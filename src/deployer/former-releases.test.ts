import { beforeEach, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { EngineContext, ReleaseSpec } from "../engines/engine.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, FakeWorld } from "./fakes.ts";
import type { Deployment } from "./types.ts";

const options = { dryRun: false, prune: false, requestId: "test" };

let world: FakeWorld;
let deployer: AppDeployer;
/** What the engine was asked to do with a release that was deployed before. */
let former: string[];

beforeEach(async () => {
  world = new FakeWorld();
  deployer = new AppDeployer(world);
  await deployer.start();
  await deployer.addApp(testDefinition("blog"));
  former = [];
  for (const step of ["place", "route"] as const) {
    const take = world.engine[step].bind(world.engine);
    world.engine[step] = (release: ReleaseSpec, context: EngineContext) => {
      if (context.isFormer === true)
        former.push(`${step} ${release.number}${context.isUrgent === true ? "" : " in turn"}`);
      return take(release, context);
    };
  }
});

async function push(tag: string): Promise<Deployment> {
  world.sources.push("blog", `refs/tags/${tag}`, tag);
  const { queued } = await deployer.refsChanged("blog", "test");
  return ended(deployer, queued[0]);
}

test("the engine is told that a release was live before, and waits for no other, when it is gone back to", async () => {
  await push("v1");
  await push("v2");
  expect(former).toEqual([]);
  await ended(deployer, await deployer.rollback("blog", undefined, { requestId: "test" }));
  expect(former).toEqual(["place 1", "place 1", "route 1"]);
});

test("it is not told so of one that never was live: nobody took that", async () => {
  await push("v1");
  world.engine.trouble = (call) => {
    if (call === "place")
      throw new SteppeError("NOMAD_JOB_INVALID", { operation: "make", subject: "blog", cause: "no" });
  };
  expect(await push("v2")).toMatchObject({ state: "failed", release: 2 });
  world.engine.trouble = () => {};
  await ended(deployer, await deployer.rollback("blog", 2, { requestId: "test" }));
  expect(former).toEqual([]);
  await ended(deployer, await deployer.rollback("blog", 1, { requestId: "test" }));
  expect(former).toEqual(["place 1", "place 1", "route 1"]);
});

test("and when the last good one is gone back to, since a newer one failed", async () => {
  await push("v1");
  world.engine.trouble = (call) => {
    if (call === "after route") throw new Error("Nomad is away");
  };
  world.sources.push("blog", "refs/tags/v2", "v2");
  const { queued } = await deployer.refsChanged("blog", "test");
  expect(await ended(deployer, queued[0])).toMatchObject({ state: "failed" });
  expect(former).toEqual(["route 1"]);
});

test("a definition that was taken once keeps nothing from being applied while it stays as it is", async () => {
  const blog = testDefinition("blog");
  world.engine.validate = ({ name }) => {
    if (name !== "blog") return;
    throw new SteppeError("CONFIG_INVALID", { operation: "add", subject: name, cause: "is not taken any more" });
  };
  const { changes } = await deployer.apply([blog, testDefinition("shop")], options);
  expect(changes.map(({ app, action }) => `${app} ${action}`)).toEqual(["blog none", "shop add"]);
  const changed = { ...blog, domains: ["www.blog.localhost"] };
  await expect(deployer.apply([changed], options)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
