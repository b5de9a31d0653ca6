import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { type ErrorCode, SteppeError } from "../shared/errors.ts";
import { ended, FakeWorld, fakeDigest, settle } from "./fakes.ts";
import { AppDeployer } from "./index.ts";

const REPOSITORY = "registry.test/team/blog";

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

function push(tag: string, day: number): void {
  world.registry.push(REPOSITORY, tag, fakeDigest(tag), Date.UTC(2026, 0, day));
}

/** Whatever is asked of one tag, or of the image that it stands for, fails. */
function breakTag(tag: string, code: ErrorCode): void {
  world.registry.trouble = (request) => {
    if (!request.endsWith(`:${tag}`) && !request.endsWith(`@${fakeDigest(tag)}`)) return;
    throw new SteppeError(code, { operation: "look up", subject: tag, cause: "it is broken" });
  };
}

async function addApp(): Promise<void> {
  await deployer.addApp(testDefinition("blog", { image: { repository: REPOSITORY, site: null } }));
  await settle();
}

const liveTags = (): unknown[] =>
  deployer.deployments("blog", 99).map(({ source }) => (source.kind === "image" ? source.tag : source.kind));

/** Looks at all tags; what came of that, when what it queued has ended. */
async function poll(): Promise<string> {
  const outcome = await deployer.lookAtImages("blog", "poll").then(
    () => "",
    (error: SteppeError) => error.code,
  );
  const [newest] = deployer.deployments("blog", 1);
  if (newest !== undefined) await ended(deployer, newest);
  return outcome;
}

describe("a tag that the registry does not give", () => {
  test.each(["REGISTRY_REFUSED", "REGISTRY_UNREACHABLE", "REGISTRY_ANSWER_INVALID"] as const)(
    "keeps no other from being deployed (%s), and is itself when it can be had",
    async (code) => {
      push("v1", 1);
      await addApp();
      await ended(deployer, deployer.deployments("blog", 1)[0]);
      push("v2", 2);
      push("v3", 3);
      breakTag("v3", code);
      expect(await poll()).toBe(code);
      expect(liveTags()).toEqual(["v2", "v1"]);
      expect(await poll()).toBe(code);
      world.registry.trouble = () => {};
      expect(await poll()).toBe("");
      expect(liveTags()).toEqual(["v3", "v2", "v1"]);
    },
  );

  test("and whose image is not given keeps no other from being deployed", async () => {
    push("v1", 1);
    await addApp();
    await ended(deployer, deployer.deployments("blog", 1)[0]);
    push("v2", 2);
    push("v3", 3);
    world.registry.trouble = (request) => {
      if (request !== `created ${REPOSITORY}@${fakeDigest("v3")}`) return;
      throw new SteppeError("REGISTRY_UNREACHABLE", { operation: "pull", subject: "v3", cause: "a 500" });
    };
    expect(await poll()).toBe("REGISTRY_UNREACHABLE");
    expect(liveTags()).toEqual(["v2", "v1"]);
  });

  test("at the first look is not new later if the registry refuses it", async () => {
    push("v1", 1);
    push("v2", 2);
    breakTag("v1", "REGISTRY_REFUSED");
    await addApp();
    await poll();
    world.registry.trouble = () => {};
    expect(await poll()).toBe("");
    expect(liveTags()).toEqual(["v2"]);
  });

  test("at the first look, as its registry is away, is waited for: the newest of all deploys", async () => {
    push("v1", 1);
    push("v2", 2);
    breakTag("v2", "REGISTRY_UNREACHABLE");
    await addApp();
    expect(await poll()).toBe("REGISTRY_UNREACHABLE");
    expect(liveTags()).toEqual([]);
    world.registry.trouble = () => {};
    expect(await poll()).toBe("");
    expect(liveTags()).toEqual(["v2"]);
  });
});
