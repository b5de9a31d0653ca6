import type { SteppeError } from "../shared/errors.ts";

/** Looks at what apps come from: those at one app follow each other, and end when it is removed. */
export class AppLooks {
  readonly #lifetime: AbortSignal;
  /** The last look at each app. */
  readonly #looking = new Map<string, Promise<unknown>>();
  /** What ends the looks at an app. */
  readonly #ends = new Map<string, AbortController>();

  constructor(lifetime: AbortSignal) {
    this.#lifetime = lifetime;
  }

  /** Looks at an app after the looks before, however those ended. */
  async run<Report>(app: string, look: () => Promise<Report>): Promise<Report> {
    const previous = this.#looking.get(app) ?? Promise.resolve();
    const run = previous.then(look, look);
    this.#looking.set(app, run);
    try {
      return await run;
    } finally {
      if (this.#looking.get(app) === run) this.#looking.delete(app);
    }
  }

  /** Aborted when the process stops or the app is removed. */
  signalOf(app: string): AbortSignal {
    return AbortSignal.any([this.#lifetime, this.#endOf(app).signal]);
  }

  /** Ends what is under way for an app that is being removed; whatever is begun for it is aborted until `reopen`. */
  async close(app: string, reason: SteppeError): Promise<void> {
    this.#endOf(app).abort(reason);
    await Promise.allSettled([this.#looking.get(app)]);
  }

  /** The app is gone: one of its name may come. */
  reopen(app: string): void {
    this.#ends.delete(app);
  }

  /** Resolves when what is under way has ended; the lifetime has. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#looking.values());
  }

  #endOf(app: string): AbortController {
    let end = this.#ends.get(app);
    if (end === undefined) this.#ends.set(app, (end = new AbortController()));
    return end;
  }
}
