import type { Clock } from "../shared/clock.ts";

const MOST_PEERS = 10_000;

/**
 * Counts wrong tokens per peer. Who gave too many in a minute is told to wait; the right token is let in all the same, since
 * behind a proxy many share an address.
 */
export class FailedAttempts {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #windowMs: number;
  readonly #peers = new Map<string, { since: number; count: number }>();

  /**
   * @param most how many a window
   * @param windowMs milliseconds
   */
  constructor(clock: Clock, most = 20, windowMs = 60_000) {
    this.#clock = clock;
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Counts one more. Says whether that is too many, and whether it is the first that is, to be logged. */
  add(peer: string): { tooMany: boolean; isFirst: boolean } {
    const now = this.#clock.monotonic();
    let entry = this.#peers.get(peer);
    if (entry === undefined || now - entry.since >= this.#windowMs) {
      this.#peers.delete(peer);
      entry = { since: now, count: 0 };
      this.#peers.set(peer, entry);
      for (const oldest of this.#peers.keys()) {
        if (this.#peers.size <= MOST_PEERS) break;
        this.#peers.delete(oldest);
      }
    }
    entry.count++;
    return { tooMany: entry.count > this.#most, isFirst: entry.count === this.#most + 1 };
  }
}
