import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SteppeError } from "../../../shared/errors.ts";
import { digestOf, FakeKeyedCluster, type Fate, inTime, keptContext, keyedRelease, REPOSITORY } from "./fakes.ts";
import { KeyedReleases } from "./keyed-releases.ts";

type State = "released" | "healthy" | "live" | "failed";

/** The deployer, as far as it has to do with the engine: it journals a state before each step, and takes a failed release away. */
class FakeDeployer {
  readonly #cluster: FakeKeyedCluster;
  live: number;
  state: State = "live";
  error: unknown;

  constructor(cluster: FakeKeyedCluster, live: number) {
    this.#cluster = cluster;
    this.live = live;
  }

  get isOver(): boolean {
    return this.state === "live" || this.state === "failed";
  }

  /** Goes on from the journaled state to the end, or until the signal says that control dies. */
  async run(number: number, tag: string, death: AbortSignal): Promise<void> {
    const keyed = new KeyedReleases(this.#cluster);
    const release = keyedRelease(number, tag);
    try {
      if (this.state === "released") {
        await keyed.place(release, keptContext(death));
        this.state = "healthy";
      }
      await keyed.route(release, keptContext(death));
    } catch (error) {
      if (death.aborted) return;
      this.error = error;
      await keyed.abandon(release);
      await keyed.route(keyedRelease(this.live, `v${this.live}`), keptContext());
      this.state = "failed";
      return;
    }
    this.live = number;
    this.state = "live";
  }
}

const fate = fc.constantFrom<Fate>("good", "missing", "ends", "wrong", "silent", "ignored");

/** A control that lives for so long, milliseconds; and how long it is away then. */
const life = fc.record({ lives: fc.integer({ min: 0, max: 20_000 }), away: fc.integer({ min: 0, max: 5000 }) });

test("whenever control dies, and however often: a good tag ends live, and of a bad one what was before serves again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fate,
      fc.integer({ min: 1, max: 3 }),
      fc.array(life, { maxLength: 4 }),
      async (fated, count, lives) => {
        const cluster = new FakeKeyedCluster({ count });
        const deployer = new FakeDeployer(cluster, 1);
        deployer.state = "released";
        await inTime(cluster.clock, deployer.run(1, "v1", new AbortController().signal));
        expect(deployer.state).toBe("live");
        cluster.fates.set("v2", fated);
        deployer.state = "released";
        for (const { lives: ms, away } of lives) {
          if (deployer.isOver) break;
          const death = new AbortController();
          const running = deployer.run(2, "v2", death.signal);
          await cluster.clock.advance(ms);
          death.abort(new Error("killed"));
          await running;
          await cluster.clock.advance(away);
        }
        if (!deployer.isOver) {
          await inTime(cluster.clock, deployer.run(2, "v2", new AbortController().signal));
        }
        await cluster.clock.advance(10_000);
        const isGood = fated === "good";
        expect(deployer.state).toBe(isGood ? "live" : "failed");
        expect(cluster.key).toBe(isGood ? "v2" : "v1");
        expect(cluster.serving).toEqual(Array.from({ length: count }, () => cluster.key));
        expect(new KeyedReleases(cluster).instances()).toEqual([
          { app: "blog", release: isGood ? 2 : 1, routed: true },
        ]);
        // What was written was written once, whatever happened.
        expect(cluster.written).toEqual(isGood ? ["v2"] : ["v2", "v1"]);
        if (!isGood) expect(deployer.error).toBeInstanceOf(SteppeError);
      },
    ),
    { numRuns: 300 },
  );
});

test("after any number of deployments, good and bad, the key has the tag of what is live", async () => {
  const step = fc.record({ fated: fate, tag: fc.integer({ min: 1, max: 6 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const cluster = new FakeKeyedCluster();
      const deployer = new FakeDeployer(cluster, 1);
      deployer.state = "released";
      await inTime(cluster.clock, deployer.run(1, "v1", new AbortController().signal));
      for (const { fated, tag } of steps) {
        cluster.registry.set(`${REPOSITORY}:v${tag}`, digestOf(`v${tag}`));
        // What is live was good, and stays so.
        if (tag !== deployer.live) cluster.fates.set(`v${tag}`, fated);
        const before = deployer.live;
        deployer.state = "released";
        await inTime(cluster.clock, deployer.run(tag, `v${tag}`, new AbortController().signal));
        const isGood = fated === "good" || tag === before;
        expect([deployer.state, deployer.live]).toEqual(isGood ? ["live", tag] : ["failed", before]);
        expect(cluster.key).toBe(`v${deployer.live}`);
        await cluster.clock.advance(10_000);
        expect(cluster.serving).toEqual([cluster.key]);
      }
    }),
    { numRuns: 100 },
  );
});
