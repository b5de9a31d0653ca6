import type { Clock } from "../clock.ts";

/** How often something may be done. */
export interface PaceLimit {
  /** How often at once, after a rest. */
  burst: number;
  /** Milliseconds in which one more is allowed. */
  everyMs: number;
}

/** Keeps what could go on without end at a pace: what is within the burst goes at once, the rest waits for its turn. */
export class Pace {
  readonly #clock: Clock;
  readonly #limit: PaceLimit;
  /** When all that was done would have been allowed at an even pace. */
  #due: number;

  constructor(clock: Clock, limit: PaceLimit) {
    this.#clock = clock;
    this.#limit = limit;
    this.#due = clock.monotonic();
  }

  /** Resolves when it may be done once more. Rejects with the signal's reason. */
  async turn(signal: AbortSignal): Promise<void> {
    const { burst, everyMs } = this.#limit;
    const now = this.#clock.monotonic();
    this.#due = Math.max(this.#due, now) + everyMs;
    const wait = this.#due - now - burst * everyMs;
    if (wait > 0) await this.#clock.sleep(wait, { signal });
  }
}
