import { expect, test } from "vitest";
import { remotesPort } from "../src/control/remotes-port.ts";
import { FakeWorld, fakeDigest, settle } from "../src/deployer/fakes.ts";
import { AppDeployer, type DeployerDependencies } from "../src/deployer/index.ts";
import { SteppeError } from "../src/shared/errors.ts";
import { silentLogger } from "../src/shared/log.ts";
import { DeliveryTable } from "../src/store/index.ts";
import { type Hint, HintActor, HintQueue, type JournaledHint } from "../src/webhooks/index.ts";
import { testDefinition } from "./support/test-definition.ts";

const MINUTE = 60_000;
const image = { repository: "registry.test/team/blog", site: null };

/** A deployer that is told by webhooks, and polls, by a clock that stands still. */
async function start() {
  const world = new FakeWorld();
  const { clock, store } = world;
  const remotes = remotesPort({
    clock,
    log: silentLogger,
    lookAtRefs: async () => {},
    lookAtImages: (app) => deployer.lookAtImages(app, "poll"),
  });
  const parts: DeployerDependencies = {
    ...world,
    remotes,
    urls: (definition) => world.urls(definition),
    ensureCertificates: () => world.ensureCertificates(),
    newPushToken: () => world.newPushToken(),
  };
  const deployer = new AppDeployer(parts);
  const journal = new DeliveryTable<Hint>(store);
  const queue = new HintQueue({ journal, handler: new HintActor(deployer), clock, log: silentLogger });
  await deployer.start();
  return {
    world,
    deployer,
    queue,
    journal,
    /** A delivery of a webhook that tells of a tag. */
    tell(tag: string): JournaledHint[] {
      const hints: Hint[] = [
        {
          kind: "image",
          registry: "registry.test",
          repository: "team/blog",
          tag,
          digest: null,
          eventId: null,
          at: null,
        },
      ];
      const delivery = {
        webhook: "hook",
        sender: "distribution",
        receivedAt: clock.now(),
        verdict: "accepted" as const,
        reason: null,
        status: 202,
        headers: {},
        body: null,
        bodyBytes: 0,
        hints,
        redeliveryOf: null,
      };
      const recorded = journal.record([delivery])[0]?.hints as JournaledHint[];
      queue.add(recorded);
      return recorded;
    },
    /** Minute by minute, with all that comes of it. */
    async advance(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        await clock.advance(MINUTE);
        await settle();
      }
    },
    async [Symbol.asyncDispose]() {
      await queue.close();
      await remotes.stop();
      await deployer.stop();
      store.close();
    },
  };
}

/** By polls of a minute; what a registry that is away for ten minutes is asked in vain, puts the next off. */
test.for([
  ["before it can be asked what the tag is", () => true],
  ["when it was asked, and the image is to be pulled", (request: string) => request.startsWith("pull")],
] as const)(
  "a tag of a registry that goes away for ten minutes, %s, is live when it is back, once",
  async ([, fails]) => {
    await using it = await start();
    const { world, deployer } = it;
    await deployer.addApp(testDefinition("blog", { image, pollMs: MINUTE }));
    world.registry.push(image.repository, "v1", fakeDigest("v1"), 1);
    await it.advance(2);
    expect(deployer.deployments("blog", 9)).toMatchObject([{ id: 1, state: "live" }]);

    world.registry.push(image.repository, "v2", fakeDigest("v2"), 2);
    world.registry.trouble = (request) => {
      if (!fails(request)) return;
      throw new SteppeError("REGISTRY_UNREACHABLE", { operation: "ask", subject: "it", cause: "it is away" });
    };
    it.tell("v2");
    await it.advance(10);
    expect(world.engine.routed.get("blog")?.number).toBe(1);
    expect(it.journal.pendingHints()).toEqual([]); // it was given up, or has queued a deployment
    world.registry.trouble = () => {};
    await it.advance(20);
    expect(deployer.deployments("blog", 9)).toMatchObject([
      { id: 2, state: "live", source: { tag: "v2" } },
      { id: 1, state: "live" },
    ]);
    expect(world.engine.routed.get("blog")?.number).toBe(2);
  },
);
