import { describe, expect, it } from "vitest";
import { FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { Poller } from "./poller.ts";

/** A poller in time that stands still; `random` 0.5 means no jitter, and a first look after half of the time for it. */
function setUp(poll: (app: string, signal: AbortSignal) => Promise<unknown>) {
  const clock = new FakeClock();
  return { clock, poller: new Poller({ clock, log: silentLogger, poll, random: () => 0.5 }) };
}

describe("the poller", () => {
  it("looks soon, and then at its pace", async () => {
    const seen: number[] = [];
    const { clock, poller } = setUp(async () => void seen.push(clock.now()));
    const start = clock.now();
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 300_000 });
    await clock.advance(700_000);
    expect(seen.map((time) => time - start)).toEqual([15_000, 315_000, 615_000]);
    await poller.stop();
  });

  it("waits longer after each failure, and not after a success", async () => {
    const seen: number[] = [];
    const { clock, poller } = setUp(async () => {
      seen.push(clock.now());
      if (seen.length < 4) throw new Error("unreachable");
    });
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 10_000 });
    await clock.advance(150_000);
    expect(seen.slice(1, 6).map((time, index) => time - (seen[index] ?? 0))).toEqual([20_000, 40_000, 80_000]);
    await clock.advance(10_000);
    expect((seen[4] ?? 0) - (seen[3] ?? 0)).toBe(10_000);
    await poller.stop();
  });

  it("knows since when looks fail and why, until one does not", async () => {
    let failing = true;
    const { clock, poller } = setUp(async () => {
      if (failing) throw new Error(`unreachable at ${clock.now() - start}`);
    });
    const start = clock.now();
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 10_000 });
    expect(poller.trouble("blog")).toBeNull();
    await clock.advance(30_000);
    expect(poller.trouble("blog")).toMatchObject({ since: start + 5_000, error: { cause: "unreachable at 25000" } });
    failing = false;
    await clock.advance(40_000);
    expect(poller.trouble("blog")).toBeNull();
    await poller.stop();
  });

  it("asks at most four of one host at once", async () => {
    const waiting: Array<() => void> = [];
    const asked: string[] = [];
    const { clock, poller } = setUp(async (app) => {
      asked.push(app);
      await new Promise<void>((resolve) => waiting.push(resolve));
    });
    for (let index = 0; index < 6; index++) {
      poller.set(`a${index}`, { address: `${index}.git`, host: "one.example", pollMs: 60_000 });
    }
    poller.set("other", { address: "x.git", host: "two.example", pollMs: 60_000 });
    await clock.advance(30_000);
    expect(asked).toEqual(["a0", "a1", "a2", "a3", "other"]);
    waiting.shift()?.();
    await clock.advance(0);
    expect(asked.slice(5)).toEqual(["a4"]);
    const stopped = poller.stop();
    for (const wake of waiting) wake();
    await clock.advance(0);
    for (const wake of waiting) wake();
    await stopped;
    expect(asked).not.toContain("a5");
  });

  it("cancels what is under way when it stops, and looks no more", async () => {
    let looks = 0;
    const { clock, poller } = setUp(async (_app, signal) => {
      looks++;
      await clock.sleep(1_000_000, { signal });
    });
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 10_000 });
    await clock.advance(10_000);
    await poller.delete("blog");
    await clock.advance(1_000_000);
    expect(looks).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  it("begins anew when the pace changes", async () => {
    const seen: number[] = [];
    const { clock, poller } = setUp(async () => void seen.push(clock.now()));
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 300_000 });
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 300_000 });
    poller.set("blog", { address: "blog.git", host: "example.com", pollMs: 10_000 });
    await clock.advance(26_000);
    expect(seen).toHaveLength(3);
    await poller.stop();
  });
});
