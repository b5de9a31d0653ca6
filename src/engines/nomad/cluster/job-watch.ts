import type { Clock } from "../../../shared/clock.ts";
import type { JobState } from "./job-state.ts";
import type { JobView } from "./job-view.ts";

/** Nothing is there yet: look again when something changed, or after so many milliseconds if they are given. */
export class Later {
  readonly ms: number;

  constructor(ms = Infinity) {
    this.ms = ms;
  }
}

export const LATER = new Later();

export interface JobWatchOptions {
  state: JobState;
  /** The names of its services in Consul. */
  services: ReadonlySet<string>;
  clock: Clock;
  onDispose: () => void;
}

/** Waits for things to happen to a job. To be disposed of. */
export class JobWatch implements Disposable {
  readonly state: JobState;
  readonly services: ReadonlySet<string>;
  readonly #options: JobWatchOptions;
  #change = Promise.withResolvers<void>();
  /** Whether it has looked at all that there was when it began. */
  #hasSeenAll = false;

  constructor(options: JobWatchOptions) {
    this.#options = options;
    this.state = options.state;
    this.services = options.services;
  }

  /** Something happened to the job or its services, or may have. */
  wake(): void {
    this.#change.resolve();
  }

  /** All that the job has, asked for now. */
  async read(signal: AbortSignal): Promise<JobView> {
    await this.state.read(signal);
    return this.state.view;
  }

  /**
   * Resolves with what `look` finds; it is asked again whenever something happens, as long as it says `Later`. Rejects with what it throws, and with the reason of the
   * signal. What events told before is not asked for.
   */
  async until<Found>(
    signal: AbortSignal,
    look: (view: JobView) => Found | Later | Promise<Found | Later>,
  ): Promise<Found> {
    const { state } = this;
    for (;;) {
      signal.throwIfAborted();
      this.#change = Promise.withResolvers();
      const change = this.#change.promise;
      if (state.dueMs() <= 0 || !(this.#hasSeenAll || state.isLive)) await state.read(signal);
      this.#hasSeenAll = true;
      const found = await look(state.view);
      if (!(found instanceof Later)) return found;
      await changeOrTime(change, this.#options.clock, Math.min(found.ms, Math.max(0, state.dueMs())), signal);
    }
  }

  [Symbol.dispose](): void {
    this.#options.onDispose();
  }
}

/** Until the change comes, or the time is over. */
async function changeOrTime(change: Promise<void>, clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  const time = clock.sleep(ms, { signal: AbortSignal.any([signal, end.signal]) });
  try {
    await Promise.race([change, time]);
  } finally {
    time.catch(() => {}); // that it is ended is wanted; what the signal says is thrown by the race
    end.abort();
  }
}
