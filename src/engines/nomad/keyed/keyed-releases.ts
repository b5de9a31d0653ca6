import type { EngineContext, Instance, ReleaseSpec } from "../../engine.ts";
import type { KeyedAppRow, KeyedAttempt } from "../../../store/index.ts";
import { patiently } from "../steps/patiently.ts";
import { withinTime } from "../within-time.ts";
import { writeBack } from "./go-back.ts";
import type { KeyedParts } from "./keyed-parts.ts";
import { placeKeyed } from "./place.ts";
import { routeKeyed } from "./route.ts";

const UNDO_MS = 10 * 60_000;

/**
 * Releases of apps whose jobs are their users' own, and take their image's tag from a key in Consul: the engine's steps for those, see `Engine`. There are no canaries: a tag that is
 * written restarts what serves, and so all that can be known before is made sure of in `place`, and the key is written by `route`, watched, and written back if it does not
 * come up.
 */
export class KeyedReleases {
  readonly #parts: KeyedParts;

  constructor(parts: KeyedParts) {
    this.#parts = parts;
  }

  /** Whether what serves an app by Steppe's word was deployed by its key. */
  has(app: string): boolean {
    return this.#parts.table.get(app) !== undefined;
  }

  /** The app's job was taken over, and becomes Steppe's with its next deployment that is none of a key. */
  setTakenOver(app: string): void {
    this.#parts.table.setTakenOver(app);
  }

  isTakenOver(app: string): boolean {
    return this.#parts.table.isTakenOver(app);
  }

  place(release: ReleaseSpec, context: EngineContext): Promise<void> {
    return patiently(() => placeKeyed(this.#parts, release, context), { ...context, clock: this.#parts.clock });
  }

  route(release: ReleaseSpec, context: EngineContext): Promise<void> {
    return patiently(() => routeKeyed(this.#parts, release, context), { ...context, clock: this.#parts.clock });
  }

  /** Writes back what the key held before, if that is not done, and leaves it to Nomad to come up with it. */
  async abandon({ app, number }: ReleaseSpec, ended?: AbortSignal): Promise<void> {
    const { table, clock, log } = this.#parts;
    const { live = null, attempt = null } = table.get(app) ?? {};
    if (attempt?.release !== number) return;
    if (attempt.stage === "placed") return table.set(app, { live, attempt: null });
    if (attempt.stage === "undone") return;
    const signal = withinTime(UNDO_MS, ended);
    const note = (message: string): void => log.warn({ app }, message);
    const { said } = await patiently(() => writeBack(this.#parts, attempt, signal), { clock, signal, note });
    table.set(app, { live, attempt: { ...attempt, stage: "undone", failure: attempt.failure ?? stopped(said) } });
  }

  /** Forgets the app. Its job and its key are its user's. */
  remove(app: string): void {
    this.#parts.table.delete(app);
  }

  /**
   * One for each app: the release whose tag Steppe wrote last. What somebody else wrote since, and how many instances the job has, is not looked at: else Steppe would write its own tag
   * again when it starts.
   */
  instances(app?: string): Instance[] {
    const { table } = this.#parts;
    const one = app === undefined ? undefined : table.get(app);
    const rows = app === undefined ? table.all() : new Map(one === undefined ? [] : [[app, one]]);
    return [...rows].flatMap(([name, row]) => {
      const release = servingOf(row);
      return release === undefined ? [] : [{ app: name, release, routed: true }];
    });
  }
}

function stopped(said: string): KeyedAttempt["failure"] {
  return { code: "INSTANCE_FAILED", cause: `it was stopped before its instances were healthy; ${said}` };
}

function servingOf({ live, attempt }: KeyedAppRow): number | undefined {
  return attempt?.stage === "written" ? attempt.release : live?.release;
}
