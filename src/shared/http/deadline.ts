import type { Clock } from "../clock.ts";
import { TransportError } from "./transport-error.ts";
import { Watchdog } from "./watchdog.ts";

/** How long all of a request may take, however lively it is: its signal aborts with the caller's, or with a TransportError when time is up. */
export class Deadline implements Disposable {
  readonly #stop = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #caller: AbortSignal | undefined;
  readonly #follow = (): void => this.#stop.abort(this.#caller?.reason);

  /** @param ms milliseconds */
  constructor(clock: Clock, ms: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#watchdog = new Watchdog(clock, (what) => this.#stop.abort(new TransportError(what)));
    this.#watchdog.watch(ms, `it took longer than ${ms / 1000} s`);
    if (caller?.aborted === true) this.#follow();
    else caller?.addEventListener("abort", this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    this.#watchdog[Symbol.dispose]();
    this.#caller?.removeEventListener("abort", this.#follow);
  }
}
