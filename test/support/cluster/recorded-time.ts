import type { Clock } from "../../../src/shared/clock.ts";

/** Something that waits for the story to go on. */
export interface Listener {
  /** When something comes for it that it was not told of yet; undefined: never, as things stand. */
  nextAt(): number | undefined;
  /** Time has come to `nextAt` or gone past it. */
  wake(): void;
}

/** Something that whoever is tested does, and that the story waits for. */
export interface Deed {
  from: number;
  to: number;
}

interface Sleeper {
  at: number;
  wake(): void;
}

/** Turns of the event loop without anything that happens: what was told has been thought over. */
const QUIET_TURNS = 12;
/**
 * Before time goes on though the story waits for a deed: work of other threads, and of other processes on a busy machine, is not seen as turns. Milliseconds, real ones; and besides one in a hundred of
 * those by which it goes on.
 */
const PATIENCE_MS = 5;
const MOST_PATIENCE_MS = 200;

/** The moment from which a deed is seen: time comes to its beginning without it. */
export function afterDeed({ from }: Deed): number {
  return from + 0.5;
}

/**
 * The time of a story. It stands still while somebody is at work, and then goes on to the next moment at which something comes for somebody who waits. It never goes past the
 * next deed of the story until that is done, and when it is, time has come to it.
 *
 * As a clock, it goes on while the story waits for a deed: what is done after a time of its own is done then.
 */
export class RecordedTime implements Clock {
  readonly #startedAt: number;
  readonly #deeds: Deed[];
  readonly #turns = new Map<Deed, () => void>();
  readonly #listeners = new Set<Listener>();
  #sleepers: Sleeper[] = [];
  #at = 0;
  /** How much further the clock is than the story. */
  #ahead = 0;
  #activity = 0;
  #awaken: (() => void) | undefined;
  #isOver = false;

  /** @param deeds in their order */
  constructor(startedAt: number, deeds: readonly Deed[]) {
    this.#startedAt = startedAt;
    this.#deeds = [...deeds];
    void this.#run();
  }

  /** Milliseconds since the story's beginning. */
  get at(): number {
    return this.#at;
  }

  /** Until when the story can be told. */
  get limit(): number {
    return this.#deeds[0]?.from ?? Infinity;
  }

  now(): number {
    return this.#startedAt + this.monotonic();
  }

  monotonic(): number {
    return this.#at + this.#ahead;
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return promise;
    }
    const sleeper = { at: this.monotonic() + ms, wake: resolve };
    this.#sleepers.push(sleeper);
    const onAbort = (): void => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    void promise.then(
      () => signal?.removeEventListener("abort", onAbort),
      () => {}, // whoever sleeps is told
    );
    this.touch();
    return promise;
  }

  /** Something happens: time stands still until that has been thought over. */
  touch(): void {
    this.#activity++;
    this.#awaken?.();
  }

  listen(listener: Listener): void {
    this.#listeners.add(listener);
    this.touch();
  }

  unlisten(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** Time goes on to a moment, but not past the next deed. */
  goTo(at: number): void {
    this.#at = Math.max(this.#at, Math.min(at, this.limit));
    for (const listener of this.#listeners) {
      if ((listener.nextAt() ?? Infinity) <= this.#at) listener.wake();
    }
    this.touch();
  }

  /** Resolves when it is a deed's turn; it is done then, and time has come to its end. */
  async do(deed: Deed): Promise<void> {
    this.touch();
    if (this.#deeds[0] !== deed) await new Promise<void>((resolve) => this.#turns.set(deed, resolve));
    this.#deeds.shift();
    this.#at = Math.max(this.#at, afterDeed(deed));
    this.goTo(deed.to);
    const [next] = this.#deeds;
    if (next !== undefined) this.#turns.get(next)?.();
  }

  /** The deeds that were not done. */
  get undone(): readonly Deed[] {
    return this.#deeds;
  }

  end(): void {
    this.#isOver = true;
    this.#awaken?.();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#quiet(QUIET_TURNS);
      if (this.#goOn()) continue;
      const isPatient = await this.#untilActivity(this.#patience());
      if (isPatient) this.#runAhead();
    }
  }

  async #quiet(turns: number): Promise<void> {
    for (let quiet = 0; quiet < turns && !this.#isOver; quiet++) {
      const before = this.#activity;
      await new Promise(setImmediate);
      if (this.#activity !== before) quiet = -1;
    }
  }

  /** To the next moment that somebody waits for; false if there is none before the next deed. */
  #goOn(): boolean {
    const moments = [...this.#listeners].map((listener) => listener.nextAt() ?? Infinity);
    const next = Math.min(...moments, (this.#firstSleeper()?.at ?? Infinity) - this.#ahead);
    if (next === Infinity || next > this.limit) return false;
    this.goTo(next);
    this.#wakeSleepers();
    return true;
  }

  #patience(): number {
    const ms = (this.#firstSleeper()?.at ?? Infinity) - this.monotonic();
    return Math.min(MOST_PATIENCE_MS, PATIENCE_MS + ms / 100);
  }

  /** The story waits for a deed, and perhaps whoever does it for a time. */
  #runAhead(): void {
    const sleeper = this.#firstSleeper();
    if (sleeper === undefined || this.limit === Infinity) return;
    this.goTo(this.limit);
    this.#ahead = Math.max(this.#ahead, sleeper.at - this.#at);
    this.#wakeSleepers();
  }

  #firstSleeper(): Sleeper | undefined {
    return this.#sleepers.reduce<Sleeper | undefined>(
      (first, sleeper) => (first === undefined || sleeper.at < first.at ? sleeper : first),
      undefined,
    );
  }

  #wakeSleepers(): void {
    for (let due = this.#firstSleeper(); due !== undefined && due.at <= this.monotonic(); due = this.#firstSleeper()) {
      const sleeper = due;
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      sleeper.wake();
    }
    this.touch();
  }

  /** Whether nothing happened for so long; without a sleeper there is nothing to be patient for. */
  #untilActivity(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(true), ms);
      const settle = (isPatient: boolean): void => {
        clearTimeout(timer);
        this.#awaken = undefined;
        resolve(isPatient);
      };
      this.#awaken = () => settle(false);
    });
  }
}
