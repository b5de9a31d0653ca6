import { backoffDelay } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { Semaphore } from "../shared/semaphore.ts";
import { type ErrorBody, toSteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";

export interface PollerOptions {
  clock: Clock;
  log: Logger;
  /** Looks at what `set` named. What it throws is logged, and the next look is put off. */
  poll(subject: string, signal: AbortSignal): Promise<unknown>;
  /** 0 to 1; for tests. */
  random?: () => number;
}

/** Something that is looked at. */
export interface Polled {
  /** Where it is: if that changes, it is another. */
  address: string;
  /** Of how many few are asked at once; empty for this machine. */
  host: string;
  /** Milliseconds between two looks. */
  pollMs: number;
}

/** Looks that fail, since the last that did not. */
export interface PollTrouble {
  /** When the first of them failed, milliseconds since 1970. */
  since: number;
  /** What the last of them failed with. */
  error: ErrorBody;
}

/** How many repositories of one host are asked at once. */
const AT_ONCE = 4;
/** After a start, each is looked at within this time. */
const FIRST_MS = 30_000;
const LONGEST_MS = 3600_000;

/** Looks at repositories that live elsewhere, of git or of images, each at its own pace with jitter, and few at once on any host. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #hosts = new Map<string, Semaphore>();
  readonly #polled = new Map<string, Polled & { stop: AbortController; ended: Promise<void> }>();

  readonly #troubles = new Map<string, PollTrouble>();

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Begins to look at something, or changes how. */
  set(subject: string, { address, host, pollMs }: Polled): void {
    const known = this.#polled.get(subject);
    if (known?.address === address && known.pollMs === pollMs) return;
    known?.stop.abort(new Error("polled differently now"));
    this.#troubles.delete(subject);
    const stop = new AbortController();
    const ended = this.#loop(subject, { host, pollMs, signal: stop.signal });
    this.#polled.set(subject, { address, host, pollMs, stop, ended });
  }

  /** Why something cannot be looked at, and since when; null if the last look was fine, or there was none. */
  trouble(subject: string): PollTrouble | null {
    return this.#troubles.get(subject) ?? null;
  }

  /** Stops looking; what is under way is cancelled. */
  async delete(subject: string): Promise<void> {
    const known = this.#polled.get(subject);
    this.#polled.delete(subject);
    this.#troubles.delete(subject);
    known?.stop.abort(new Error("no longer polled"));
    await known?.ended;
  }

  /** Stops all. */
  async stop(): Promise<void> {
    await Promise.all([...this.#polled.keys()].map((subject) => this.delete(subject)));
  }

  async #loop(
    subject: string,
    { host, pollMs, signal }: { host: string; pollMs: number; signal: AbortSignal },
  ): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    let delay = Math.round(Math.min(pollMs, FIRST_MS) * random());
    let failures = 0;
    try {
      for (;;) {
        await clock.sleep(delay, { signal, unref: true });
        failures = (await this.#look(subject, host, signal)) ? 0 : failures + 1;
        const backoff = { first: pollMs, most: failures === 0 ? pollMs : Math.max(pollMs, LONGEST_MS) };
        delay = backoffDelay(backoff, failures + 1, random);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #look(subject: string, host: string, signal: AbortSignal): Promise<boolean> {
    const queue = this.#hosts.get(host) ?? new Semaphore(AT_ONCE);
    this.#hosts.set(host, queue);
    const place = await queue.acquire(signal);
    try {
      signal.throwIfAborted();
      await this.#options.poll(subject, signal);
      if (!signal.aborted) this.#troubles.delete(subject);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = toSteppeError(error, "poll", subject);
      const since = this.#troubles.get(subject)?.since ?? this.#options.clock.now();
      this.#troubles.set(subject, { since, error: problem.toJSON() });
      this.#options.log.warn({ subject, error: problem }, problem.message);
      return false;
    } finally {
      place[Symbol.dispose]();
      if (queue.idle) this.#hosts.delete(host);
    }
  }
}
