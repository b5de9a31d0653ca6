import type { Nomad } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { JobView } from "./job-view.ts";

/** Nothing is there yet: look again when something changed, or after so many milliseconds if they are given. */
export class Later {
  readonly ms: number;

  constructor(ms = Infinity) {
    this.ms = ms;
  }
}

export const LATER = new Later();

/** With events, all is asked for again so often, should one have been lost. */
const SELDOM_MS = 15_000;
/** Without events. */
const OFTEN_MS = 500;

export interface JobWatchOptions {
  jobId: string;
  /** The names of its services in Consul. */
  services: ReadonlySet<string>;
  nomad: Nomad;
  clock: Clock;
  /** Whether what happens on the cluster is told. */
  isFollowed: () => boolean;
  onDispose: () => void;
}

/** Waits for things to happen to a job. To be disposed of. */
export class JobWatch implements Disposable {
  readonly view = new JobView();
  readonly services: ReadonlySet<string>;
  readonly jobId: string;
  readonly #options: JobWatchOptions;
  #change = Promise.withResolvers<void>();
  #isStale = true;
  /** By the clock that never goes back. */
  #refreshedAt = 0;

  constructor(options: JobWatchOptions) {
    this.#options = options;
    this.jobId = options.jobId;
    this.services = options.services;
  }

  /** Something happened to the job or its services. */
  wake(): void {
    this.#change.resolve();
  }

  /** Something may have been missed. */
  outdate(): void {
    this.#isStale = true;
    this.wake();
  }

  /**
   * Resolves with what `look` finds; it is asked again whenever something happens, as long as it says `Later`. Rejects with what it throws, and with the reason of the
   * signal.
   */
  async until<Found>(
    signal: AbortSignal,
    look: (view: JobView) => Found | Later | Promise<Found | Later>,
  ): Promise<Found> {
    for (;;) {
      signal.throwIfAborted();
      this.#change = Promise.withResolvers();
      const change = this.#change.promise;
      if (this.#isStale || this.#refreshMs() <= 0) await this.#refresh(signal);
      const found = await look(this.view);
      if (!(found instanceof Later)) return found;
      await changeOrTime(change, this.#options.clock, Math.min(found.ms, Math.max(0, this.#refreshMs())), signal);
    }
  }

  /** How long until all is asked for again, however often somebody looks in between. */
  #refreshMs(): number {
    const { clock, isFollowed } = this.#options;
    return this.#refreshedAt + (isFollowed() ? SELDOM_MS : OFTEN_MS) - clock.monotonic();
  }

  [Symbol.dispose](): void {
    this.#options.onDispose();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { nomad, jobId, clock } = this.#options;
    this.#isStale = false;
    const [deployments, allocations, evaluations] = await Promise.all([
      nomad.jobs.deployments(jobId, { signal }),
      nomad.jobs.allocations(jobId, { signal }),
      nomad.jobs.evaluations(jobId, { signal }),
    ]);
    this.view.take({
      deployments: deployments.value,
      allocations: allocations.value,
      evaluations: evaluations.value,
    });
    this.#refreshedAt = clock.monotonic();
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
