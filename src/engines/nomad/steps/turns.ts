import type { Clock } from "../../../shared/clock.ts";
import { Semaphore } from "../../../shared/semaphore.ts";
import type { EngineContext } from "../../engine.ts";

/** With more at once none is live sooner, and each takes longer than it is waited for to be in Consul and Fabio. */
export const MOST_AT_ONCE = 100;
/** One that takes longer waits for something of its own, and not for the cluster: another goes on beside it. */
const MOST_MS = 60_000;

/** Bounds how many deployments are on their way on the cluster at once; the others wait in the order in which they came. */
export class Turns {
  readonly #places: Semaphore;
  readonly #clock: Clock;
  readonly #held = new Map<string, Disposable>();

  constructor(clock: Clock, mostAtOnce = MOST_AT_ONCE) {
    this.#places = new Semaphore(mostAtOnce);
    this.#clock = clock;
  }

  /** Resolves when it is the app's turn, which it has until `end`; at once if it has it, or is urgent. Rejects with the reason of the signal. */
  async begin(
    app: string,
    { signal, progress, isUrgent }: Pick<EngineContext, "signal" | "progress" | "isUrgent">,
  ): Promise<void> {
    if (isUrgent === true || this.#held.has(app)) return;
    const place = await this.#places.acquire(signal, () => progress("waits for other deployments on the cluster"));
    const ended = new AbortController();
    this.#held.set(app, {
      [Symbol.dispose]() {
        ended.abort();
        place[Symbol.dispose]();
      },
    });
    void this.#endLater(app, ended.signal);
  }

  /** Lets the next one begin. */
  end(app: string): void {
    this.#held.get(app)?.[Symbol.dispose]();
    this.#held.delete(app);
  }

  async #endLater(app: string, ended: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(MOST_MS, { signal: ended, unref: true });
    } catch {
      return; // it has ended
    }
    this.end(app);
  }
}
