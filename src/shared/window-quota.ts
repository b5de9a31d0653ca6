import type { Clock } from "./clock.ts";

/** Whoever asks may be anybody, so there is a bound to how many are known. */
const MOST_KEYS = 10_000;

/** Counts what comes of each key, a peer say, in a window of time that begins with the first; of so many keys only the last are known. */
export class WindowQuota {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #windowMs: number;
  readonly #counts = new Map<string, { since: number; count: number }>();

  /**
   * @param most how many a window, of each key
   * @param windowMs milliseconds
   */
  constructor(clock: Clock, most: number, windowMs: number) {
    this.#clock = clock;
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Counts one more. Says whether it is within the quota, and whether it is the first that is not, to be logged. */
  take(key: string): { isWithin: boolean; isFirstBeyond: boolean } {
    const now = this.#clock.monotonic();
    let entry = this.#counts.get(key);
    if (entry === undefined || now - entry.since >= this.#windowMs) {
      this.#counts.delete(key);
      entry = { since: now, count: 0 };
      this.#counts.set(key, entry);
      for (const oldest of this.#counts.keys()) {
        if (this.#counts.size <= MOST_KEYS) break;
        this.#counts.delete(oldest);
      }
    }
    entry.count++;
    return { isWithin: entry.count <= this.#most, isFirstBeyond: entry.count === this.#most + 1 };
  }
}
