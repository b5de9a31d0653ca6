import type { Clock } from "../../../shared/clock.ts";

/** So long is waited for a place, once there was none: others may end, or a node come back. */
const PATIENCE_MS = 30_000;
/** What was waited for in vain just before is not waited for so long once more: who asks again wants to know whether it helped. */
const AGAIN_MS = 3000;
const JUST_BEFORE_MS = 10 * 60_000;

/** Which apps found no place lately, and why. */
export class UnplacedApps {
  readonly #clock: Clock;
  readonly #failed = new Map<string, { cause: string; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long a place for an app is waited for, milliseconds. */
  patienceMs(app: string, cause: string): number {
    const before = this.#failed.get(app);
    const isAgain = before?.cause === cause && this.#clock.monotonic() - before.at < JUST_BEFORE_MS;
    return isAgain ? AGAIN_MS : PATIENCE_MS;
  }

  /** It was waited for in vain. */
  failed(app: string, cause: string): void {
    this.#failed.set(app, { cause, at: this.#clock.monotonic() });
  }

  /** It has a place. */
  placed(app: string): void {
    this.#failed.delete(app);
  }
}
