import { backoffDelay } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { Semaphore } from "../shared/semaphore.ts";
import { type ErrorBody, toSteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { parseRemote } from "./remote-address.ts";

export interface PollerOptions {
  clock: Clock;
  log: Logger;
  /** Looks at an app's repository. What it throws is logged, and the next look is put off. */
  poll(app: string, signal: AbortSignal): Promise<unknown>;
  /** 0 to 1; for tests. */
  random?: () => number;
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

/** Looks at the repositories that live elsewhere, each at its own pace with jitter, and few at once on any host. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #hosts = new Map<string, Semaphore>();
  readonly #apps = new Map<string, { url: string; pollMs: number; stop: AbortController; ended: Promise<void> }>();

  readonly #troubles = new Map<string, PollTrouble>();

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Begins to look at an app's repository every `pollMs` milliseconds, or changes how. Throws REPOSITORY_INVALID. */
  set(app: string, { url, pollMs }: { url: string; pollMs: number }): void {
    const known = this.#apps.get(app);
    if (known?.url === url && known.pollMs === pollMs) return;
    const { host } = parseRemote(url, app);
    known?.stop.abort(new Error("polled differently now"));
    this.#troubles.delete(app);
    const stop = new AbortController();
    this.#apps.set(app, { url, pollMs, stop, ended: this.#loop(app, { host, pollMs, signal: stop.signal }) });
  }

  /** Why an app's repository cannot be read, and since when; null if the last look was fine, or there was none. */
  trouble(app: string): PollTrouble | null {
    return this.#troubles.get(app) ?? null;
  }

  /** Stops looking; what is under way is cancelled. */
  async delete(app: string): Promise<void> {
    const known = this.#apps.get(app);
    this.#apps.delete(app);
    this.#troubles.delete(app);
    known?.stop.abort(new Error("no longer polled"));
    await known?.ended;
  }

  /** Stops all. */
  async stop(): Promise<void> {
    await Promise.all([...this.#apps.keys()].map((app) => this.delete(app)));
  }

  async #loop(
    app: string,
    { host, pollMs, signal }: { host: string; pollMs: number; signal: AbortSignal },
  ): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    let delay = Math.min(pollMs, FIRST_MS) * random();
    let failures = 0;
    try {
      for (;;) {
        await clock.sleep(delay, { signal, unref: true });
        failures = (await this.#look(app, host, signal)) ? 0 : failures + 1;
        const backoff = { first: pollMs, most: failures === 0 ? pollMs : Math.max(pollMs, LONGEST_MS) };
        delay = backoffDelay(backoff, failures + 1, random);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #look(app: string, host: string, signal: AbortSignal): Promise<boolean> {
    const queue = this.#hosts.get(host) ?? new Semaphore(AT_ONCE);
    this.#hosts.set(host, queue);
    const place = await queue.acquire(signal);
    try {
      signal.throwIfAborted();
      await this.#options.poll(app, signal);
      if (!signal.aborted) this.#troubles.delete(app);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = toSteppeError(error, "poll", app);
      const since = this.#troubles.get(app)?.since ?? this.#options.clock.now();
      this.#troubles.set(app, { since, error: problem.toJSON() });
      this.#options.log.warn({ app, error: problem }, problem.message);
      return false;
    } finally {
      place[Symbol.dispose]();
      if (queue.idle) this.#hosts.delete(host);
    }
  }
}
