import * as fc from "fast-check";
import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { parseWindow, type Window } from "../config/index.ts";
import { AppDeployer } from "./deployer.ts";
import { FakeWorld, settle } from "./fakes.ts";
import { nextOpening } from "./policy/next-opening.ts";

const HOUR = 60 * 60_000;
const options = { requestId: "test" };
const WINDOW = "daily 09:00-17:00 UTC";

type Step =
  | { do: "push" | "ask" | "approve" | "reject" | "rollback" | "pause" | "resume" | "restart" }
  | { do: "wait"; hours: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "push" as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("ask", "approve", "reject", "rollback", "pause", "resume", "restart"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 30 }) }) },
);

/** What ought to be: the content that serves, what came by itself and waits, and what a rollback would go to. */
class Model {
  live: string | undefined;
  waiting: string | undefined;
  isApproved = false;
  isPaused = false;
  readonly #policy: { approve: boolean; windows: string[] };

  constructor(policy: { approve: boolean; windows: string[] }) {
    this.#policy = policy;
  }

  get waitsForApproval(): boolean {
    return this.waiting !== undefined && this.#policy.approve && !this.isApproved;
  }

  mayPass(now: number): boolean {
    const windows = this.#policy.windows.map(windowOf);
    const isOpen = windows.length === 0 || nextOpening(windows, now)?.at === now;
    return !this.isPaused && !this.waitsForApproval && isOpen;
  }

  come(tag: string): void {
    this.waiting = tag;
    this.isApproved = false;
  }

  goOn(now: number): void {
    if (this.waiting === undefined || !this.mayPass(now)) return;
    this.live = this.waiting;
    this.waiting = undefined;
  }
}

test("whatever happens, what came by itself goes live only when it may, the last of it does in the end, and no restart changes that", async () => {
  const policy = fc.record({ approve: fc.boolean(), windows: fc.subarray([WINDOW]) });
  await fc.assert(
    fc.asyncProperty(policy, fc.array(step, { maxLength: 25 }), async (said, steps) => {
      const world = new FakeWorld();
      let deployer = new AppDeployer(world);
      await deployer.start();
      await deployer.addApp(testDefinition("blog", { policy: { semver: null, ...said } }));
      const model = new Model(said);
      const live = (): string | undefined => {
        const routed = world.engine.routed.get("blog");
        return routed && world.content.commitOf(routed.image);
      };
      const restart = async (): Promise<void> => {
        await deployer.stop();
        deployer = new AppDeployer(world);
        await deployer.start();
      };
      let count = 0;
      for (const one of steps) {
        const tag = `v${++count}`;
        switch (one.do) {
          case "push":
            world.sources.push("blog", `refs/tags/${tag}`, tag);
            await deployer.refsChanged("blog", "test");
            model.come(tag);
            break;
          case "ask":
            world.sources.push("blog", `refs/tags/${tag}`, tag);
            await deployer.deployRef("blog", { tag }, options);
            world.sources.markSeen("blog", { deploy: undefined, notes: [] });
            model.live = tag;
            model.waiting = undefined;
            break;
          case "rollback":
            if (deployer.releases("blog").length === 0) break;
            await deployer.rollback("blog", 1, options);
            model.live = world.content.commitOf(deployer.releases("blog").at(-1)?.image ?? "");
            model.waiting = undefined;
            break;
          case "approve":
          case "reject":
            if (!model.waitsForApproval) {
              expect(() => deployer.approve("blog", undefined)).toThrow("nothing of it waits for approval");
            } else if (one.do === "approve") {
              deployer.approve("blog", undefined);
              model.isApproved = true;
            } else {
              deployer.reject("blog", undefined);
              model.waiting = undefined;
            }
            break;
          case "pause":
            deployer.pause("blog", null);
            model.isPaused = true;
            break;
          case "resume":
            deployer.resume("blog");
            model.isPaused = false;
            break;
          case "restart":
            await restart();
            break;
          case "wait":
            for (let hour = 0; hour < one.hours; hour++) {
              await world.clock.advance(HOUR);
              model.goOn(world.clock.now());
            }
        }
        await settle();
        model.goOn(world.clock.now());
        expect(live()).toBe(model.live);
        const waits = deployer.deployments("blog", 100).filter(({ finishedAt }) => finishedAt === null);
        expect(waits.map(({ source }) => source)).toEqual(
          model.waiting === undefined ? [] : [expect.objectContaining({ commit: model.waiting })],
        );
        expect(waits.every(({ hold }) => hold !== null)).toBe(true);
      }
      deployer.resume("blog");
      if (model.waitsForApproval) deployer.approve("blog", undefined);
      for (let hour = 0; hour < 24; hour++) await world.clock.advance(HOUR);
      await settle();
      expect(live()).toBe(model.waiting ?? model.live);
      await deployer.stop();
    }),
    { numRuns: 60 },
  );
});

function windowOf(text: string): Window {
  const parsed = parseWindow(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.value;
}
