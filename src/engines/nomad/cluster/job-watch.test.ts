import { describe, expect, test } from "vitest";
import type { Answerer } from "../../../../test/support/fake-server.ts";
import { until } from "../../../../test/support/until.ts";
import { fakeNomad } from "../../../nomad-api/fakes.ts";
import type { NomadEvent } from "../../../nomad-api/index.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { JobState } from "./job-state.ts";
import { JobWatch, LATER, Later } from "./job-watch.ts";

const nothing: Answerer = (_, response) => response.end("[]");

interface Watched extends AsyncDisposable {
  watch: JobWatch;
  /** Another one of the same job, as the next step has it. */
  next(): JobWatch;
  clock: FakeClock;
  /** How often Nomad was asked for all. */
  refreshes(): number;
  /** Something may have been missed. */
  outdate(): void;
  state: { isFollowed: boolean; isDisposed: boolean; jobs: number };
}

async function watched(answer: Answerer = nothing): Promise<Watched> {
  const { nomad, seen, ...fake } = await fakeNomad(answer);
  const clock = new FakeClock();
  const state = { isFollowed: true, isDisposed: false, jobs: 1 };
  const isFollowed = (): boolean => state.isFollowed;
  const job = new JobState({ jobId: "blog", nomad, clock, isFollowed, jobs: () => state.jobs });
  const next = (): JobWatch =>
    new JobWatch({ state: job, services: new Set(["blog"]), clock, onDispose: () => (state.isDisposed = true) });
  const watch = next();
  const outdate = (): void => {
    job.outdate();
    watch.wake();
  };
  const refreshes = (): number => seen.filter(({ target }) => target.startsWith("/v1/job/blog/allocations")).length;
  return { watch, next, clock, refreshes, outdate, state, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

const forever = (): AbortSignal => new AbortController().signal;

describe("whoever waits", () => {
  test("is shown all that the job has, and again when something happens", async () => {
    await using one = await watched();
    let looks = 0;
    const found = one.watch.until(forever(), () => (++looks < 3 ? LATER : "found"));
    await until(() => looks === 1 && one.clock.sleeping === 1);
    one.watch.wake();
    await until(() => looks === 2 && one.clock.sleeping === 1);
    one.watch.wake();
    expect(await found).toBe("found");
    // What happened was told with all that it changed: nothing is asked for again.
    expect(one.refreshes()).toBe(1);
    expect(one.clock.sleeping).toBe(0);
  });

  test("misses nothing that happens while they look", async () => {
    await using one = await watched();
    let looks = 0;
    const found = await one.watch.until(forever(), async () => {
      if (++looks === 3) return "found";
      one.watch.wake();
      await new Promise(setImmediate);
      return LATER;
    });
    expect([found, looks]).toEqual(["found", 3]);
  });

  test("misses nothing that happens while all is asked for", async () => {
    let asked = 0;
    const one: Watched = await watched((_, response) => {
      // Of the first three answers none has it yet.
      if (++asked <= 3) one.outdate();
      response.end("[]");
    });
    await using _ = one;
    let looks = 0;
    expect(await one.watch.until(forever(), () => (++looks < 2 ? LATER : one.refreshes()))).toBe(2);
  });

  test("is woken when the time is over that they gave", async () => {
    await using one = await watched();
    let looks = 0;
    const found = one.watch.until(forever(), () => (++looks < 3 ? new Later(50) : "found"));
    for (const look of [1, 2]) {
      await until(() => looks === look && one.clock.sleeping === 1);
      await one.clock.advance(49);
      expect(looks).toBe(look);
      await one.clock.advance(1);
    }
    expect(await found).toBe("found");
    expect(one.refreshes()).toBe(1);
  });

  test("gets what looking throws, and what asking does", async () => {
    await using one = await watched();
    const fault = new Error("no use");
    await expect(one.watch.until(forever(), () => Promise.reject(fault))).rejects.toBe(fault);
    await using other = await watched((_, response) => response.writeHead(403).end("Permission denied"));
    await expect(other.watch.until(forever(), () => LATER)).rejects.toMatchObject({ code: "NOMAD_DENIED" });
  });
});

describe("all is asked for again", () => {
  /** Lets time go on in steps of 50 ms, at each of which somebody looks, and says at which Nomad was asked. */
  async function refreshedAt(isFollowed: boolean, steps: number, wake: boolean): Promise<number[]> {
    await using one = await watched();
    one.state.isFollowed = isFollowed;
    const end = new AbortController();
    let looks = 0;
    const at: number[] = [];
    const waiting = one.watch.until(end.signal, () => {
      if (one.refreshes() > at.length) at.push(looks * 50);
      looks++;
      return wake ? LATER : new Later(50);
    });
    for (let step = 1; step <= steps; step++) {
      await until(() => looks === step && one.clock.sleeping === 1);
      await one.clock.advance(50);
      if (wake) one.watch.wake();
    }
    end.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    return at;
  }

  test("twice a second as long as nothing is told, however often somebody looks", async () => {
    expect(await refreshedAt(false, 25, false)).toEqual([0, 500, 1000]);
  });

  test("every 15 seconds though all is told: something may have been lost", async () => {
    expect(await refreshedAt(true, 620, true)).toEqual([0, 15_000, 30_000]);
  });

  test("of many jobs no more often together than ten times a second", async () => {
    await using one = await watched();
    one.state.jobs = 1000;
    const end = new AbortController();
    const waiting = one.watch.until(end.signal, () => LATER);
    for (const [ms, refreshes] of [
      [99_999, 1],
      [1, 2],
    ] as const) {
      await until(() => one.clock.sleeping === 1);
      await one.clock.advance(ms);
      await until(() => one.refreshes() === refreshes);
    }
    end.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("when something may have been missed", async () => {
    await using one = await watched();
    let looks = 0;
    const found = one.watch.until(forever(), () => (++looks < 2 ? LATER : "found"));
    await until(() => looks === 1 && one.clock.sleeping === 1);
    one.outdate();
    expect(await found).toBe("found");
    expect(one.refreshes()).toBe(2);
  });
});

describe("the next one who waits for the same job", () => {
  test("is shown what is known, as long as all is told", async () => {
    await using one = await watched();
    expect(await one.watch.until(forever(), () => "found")).toBe("found");
    expect(await one.next().until(forever(), () => "found")).toBe("found");
    expect(one.refreshes()).toBe(1);
  });

  test.each<[when: string, change: (one: Watched) => void]>([
    ["nothing is told", (one) => (one.state.isFollowed = false)],
    ["something may have been missed", (one) => one.outdate()],
  ])("asks for all anew when %s", async (_, change) => {
    await using one = await watched();
    await one.watch.until(forever(), () => "found");
    change(one);
    await one.next().until(forever(), () => "found");
    expect(one.refreshes()).toBe(2);
  });
});

describe("the signal ends it with its reason", () => {
  const reason = new Error("superseded");

  test("before it begins", async () => {
    await using one = await watched();
    await expect(one.watch.until(AbortSignal.abort(reason), () => "found")).rejects.toBe(reason);
    expect(one.refreshes()).toBe(0);
  });

  test("while Nomad does not answer", async () => {
    await using one = await watched(() => {});
    const end = new AbortController();
    const waiting = one.watch.until(end.signal, () => "found");
    await until(() => one.refreshes() === 1);
    end.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  test("while nothing happens; nothing is left that waits", async () => {
    await using one = await watched();
    const end = new AbortController();
    const waiting = one.watch.until(end.signal, () => LATER);
    await until(() => one.clock.sleeping === 1);
    end.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(one.clock.sleeping).toBe(0);
  });
});

test("that nobody waits any more is told", async () => {
  await using one = await watched();
  {
    using _ = one.watch;
  }
  expect(one.state.isDisposed).toBe(true);
});

test("what is read again after something may have been missed tells nothing of the job itself", async () => {
  const { nomad, ...fake } = await fakeNomad(nothing);
  await using _ = fake;
  const state = new JobState({ jobId: "blog", nomad, clock: new FakeClock(), isFollowed: () => true, jobs: () => 1 });
  const event = { topic: "Job", job: { id: "blog", modifyIndex: 10n } };
  await state.read(forever());
  state.takeEvent(event as NomadEvent);
  expect(state.job).toBe(event.job);
  state.outdate();
  await state.read(forever());
  expect([state.isLive, state.job]).toEqual([true, undefined]);
});
