import type { Clock } from "../clock.ts";

/** Notices that a connection has gone silent. */
export class Watchdog implements Disposable {
  readonly #clock: Clock;
  readonly #onLate: (what: string) => void;
  /** What did not come about in time. */
  late: string | undefined;
  #since = 0;
  #paused = false;
  #stop = new AbortController();

  /** @param onLate called once with what did not come about in time */
  constructor(clock: Clock, onLate: (what: string) => void) {
    this.#clock = clock;
    this.#onLate = onLate;
  }

  /**
   * Something must come about within `ms` milliseconds. In place of what was watched before.
   *
   * @param taking whether it is about the other side's turns, of which each may take so long
   */
  watch(ms: number, what: string, { taking = false } = {}): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#since = this.#clock.monotonic();
    void this.#run(ms, what, taking, this.#stop.signal);
  }

  /** It is our turn now: nobody is late with theirs. */
  pause(): void {
    this.#paused = true;
  }

  /** It is the other side's turn, as of now. */
  resume(): void {
    this.#paused = false;
    this.#since = this.#clock.monotonic();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  /** One timer however often something is seen: it looks, when it goes off, how long ago that was. */
  async #run(ms: number, what: string, taking: boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      const left = taking && this.#paused ? ms : this.#since + ms - this.#clock.monotonic();
      if (left <= 0) {
        this.late = what;
        this.#onLate(what);
        return;
      }
      try {
        await this.#clock.sleep(left, { signal, unref: true });
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    }
  }
}
