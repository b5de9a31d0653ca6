import type { Clock } from "../../src/shared/clock.ts";

/** Who waits for a try to come does not wait; that somebody is late is noticed only when the test says so. */
export class ImpatientClock implements Clock {
  /** How long was waited between tries, milliseconds. */
  readonly waits: number[] = [];
  #now = Date.UTC(2026, 10, 1);
  #watchers = new Set<() => void>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(
    ms: number,
    { signal, unref = false }: { signal?: AbortSignal | undefined; unref?: boolean } = {},
  ): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (!unref) {
      this.waits.push(ms);
      this.#now += ms;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#watchers.add(resolve);
    signal?.addEventListener("abort", () => {
      this.#watchers.delete(resolve);
      reject(signal.reason as Error);
    });
    return promise;
  }

  /** Whether somebody wants to notice that something is late. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** Time goes on by `ms`; whatever is watched and had less is late. */
  pass(ms: number): void {
    this.#now += ms;
    for (const wake of this.#watchers) {
      this.#watchers.delete(wake);
      wake();
    }
  }
}

/** Lets time go on, in steps of `ms`, until the work has come to its end. */
export async function whileTimePasses<Result>(
  clock: ImpatientClock,
  ms: number,
  work: Promise<Result>,
): Promise<Result> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  work.then(end, end);
  while (!ended) {
    clock.pass(ms);
    await new Promise(setImmediate);
  }
  return work;
}
