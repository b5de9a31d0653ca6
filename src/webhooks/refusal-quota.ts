import type { Clock } from "../shared/clock.ts";

/** Anybody who knows an address can be refused, and each refusal that is journaled costs a sync to disk. */
export class RefusalQuota {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #windowMs: number;
  /** By webhook, so there are as many as there are webhooks. */
  readonly #counts = new Map<string, { since: number; count: number }>();

  /**
   * @param most how many a window, of each webhook
   * @param windowMs milliseconds
   */
  constructor(clock: Clock, most: number, windowMs: number) {
    this.#clock = clock;
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Counts one more of a webhook that exists. Whether it is to be journaled, and whether it is the first that is not. */
  take(webhook: string): { isWithin: boolean; isFirstBeyond: boolean } {
    const now = this.#clock.monotonic();
    let entry = this.#counts.get(webhook);
    if (entry === undefined || now - entry.since >= this.#windowMs) {
      entry = { since: now, count: 0 };
      this.#counts.set(webhook, entry);
    }
    entry.count++;
    return { isWithin: entry.count <= this.#most, isFirstBeyond: entry.count === this.#most + 1 };
  }
}
