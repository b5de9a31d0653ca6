import { backoffDelay, type Backoff } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { toSteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { HostPlaces } from "../shared/host-places.ts";
import type { DeliveryJournal, JournaledHint } from "./delivery-journal.ts";
import type { Hint } from "./types.ts";

/** Asks the registry or the repository whether a hint is so, and deploys what is new. */
export interface HintHandler {
  /**
   * Acts on hints of one repository, in the order in which they came; some may say the same. May be called again for what was acted
   * on: after a crash, or when more hints came. Resolves with what came of it, one line for people, also if there was nothing to do;
   * rejects if it should be tried again, or the signal aborted.
   */
  act(hints: readonly Hint[], webhook: string, signal: AbortSignal): Promise<string>;
}

/** What came of hints. */
export interface Outcome {
  /** One line for people. */
  text: string;
  /** False if it was given up. */
  isDone: boolean;
}

export interface HintQueueOptions {
  journal: DeliveryJournal;
  handler: HintHandler;
  clock: Clock;
  log: Logger;
  /** Told of hints once what came of them is durable; must not throw. */
  onSettled?(hints: readonly JournaledHint[], outcome: Outcome): void;
  limits?: Partial<HintQueueLimits>;
}

export interface HintQueueLimits {
  /** Milliseconds after the first hint of a repository, in which more of it are waited for. */
  settleMs: number;
  /** How many of one host are acted on at once: one that hangs keeps no other waiting. */
  atOnce: number;
  /** So often is it tried; then polling finds what is left. */
  tries: number;
  backoff: Backoff;
}

const DEFAULT_LIMITS: HintQueueLimits = {
  // A registry tells of all that one push brought within some hundredths of a second.
  settleMs: 100,
  atOnce: 4,
  tries: 6,
  backoff: { first: 2000, most: 60_000 },
};

/**
 * Acts on journaled hints. Those of one repository are coalesced: what comes while the first waits is acted on with it, and what
 * comes while it is acted on makes one more turn, since the registry may have been asked before. So a registry is asked once for
 * however many pushes it tells of at once. A hint is settled in the journal only after it was acted on, so a crash loses none.
 */
export class HintQueue {
  readonly #options: HintQueueOptions;
  readonly #limits: HintQueueLimits;
  readonly #places: HostPlaces;
  readonly #stopping = new AbortController();
  /** Hints by what they are of: those that wait for the next turn. A key is there as long as its turns run. */
  readonly #waiting = new Map<string, JournaledHint[]>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: HintQueueOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#places = new HostPlaces(this.#limits.atOnce);
  }

  /** Takes up what a crash or a stop left. To be called once, before deliveries are received. */
  resume(): void {
    this.add(this.#options.journal.pendingHints());
  }

  /** Takes hints that are in the journal. */
  add(hints: readonly JournaledHint[]): void {
    if (this.#stopping.signal.aborted) return; // they are taken up at the next start
    for (const hint of hints) {
      const key = keyOf(hint);
      const waiting = this.#waiting.get(key);
      if (waiting !== undefined) {
        waiting.push(hint);
        continue;
      }
      this.#waiting.set(key, [hint]);
      const running = this.#run(key).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  /** Takes no more, aborts what is being acted on, and resolves when nothing runs. What is not settled stays so. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error("Steppe is stopping"));
    await Promise.all(this.#running);
  }

  /** Turns until nothing more came. */
  async #run(key: string): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      do {
        await clock.sleep(this.#limits.settleMs, { signal });
        await this.#turn(key);
      } while (this.#waiting.get(key)?.length !== 0);
    } catch (error) {
      // Nothing of it is settled, so the next start takes it up.
      if (!signal.aborted) log.error({ err: error }, "hints could not be acted on");
    } finally {
      this.#waiting.delete(key);
    }
  }

  async #turn(key: string): Promise<void> {
    const { journal, clock, log } = this.#options;
    const hints: JournaledHint[] = [];
    const outcome = await this.#tryToAct(key, hints);
    const { webhook, delivery } = hints.at(-1) ?? {};
    try {
      journal.settleHints(hints, outcome.text, clock.now());
    } catch (error) {
      // They are acted on again at the next start, which changes nothing.
      log.error({ err: error, webhook, delivery }, "a hint was acted on, which could not be journaled");
      return;
    }
    log.info({ webhook, delivery, hints: hints.length, outcome: outcome.text }, "a hint was acted on");
    this.#options.onSettled?.(hints, outcome);
  }

  /** @param hints to which those are added that wait, each time; the last of them is the one by which errors name them */
  async #tryToAct(key: string, hints: JournaledHint[]): Promise<Outcome> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 1; ; failures++) {
      try {
        return { text: await this.#act(key, hints), isDone: true };
      } catch (thrown) {
        signal.throwIfAborted();
        const { webhook, delivery } = hints.at(-1) ?? {};
        const error = toSteppeError(thrown, "act on", `delivery ${delivery} of ${webhook}`);
        log.warn({ code: error.code, cause: error.message, failures }, "a hint could not be acted on");
        if (failures >= this.#limits.tries) {
          return { text: `gave up after ${failures} tries: ${error.message}`, isDone: false };
        }
        await clock.sleep(backoffDelay(this.#limits.backoff, failures), { signal });
      }
    }
  }

  async #act(key: string, hints: JournaledHint[]): Promise<string> {
    const { signal } = this.#stopping;
    using _place = await this.#places.acquire(hostOf(key), signal);
    hints.push(...(this.#waiting.get(key) ?? []));
    this.#waiting.set(key, []);
    const said = hints.map(({ hint }) => hint);
    return await this.#options.handler.act(said, hints.at(-1)?.webhook ?? "", signal);
  }
}

/** The repository that a hint is of. The same of two webhooks is acted on for each: they may be of different apps. */
function keyOf({ webhook, hint }: JournaledHint): string {
  const parts = hint.kind === "image" ? [hint.registry, hint.repository] : [hint.repositoryUrls[0] ?? ""];
  return [webhook, hint.kind, ...parts].join("\n");
}

/** The host that is asked about what a key names: `registry.test:5000`, or that of an address that git knows. */
function hostOf(key: string): string {
  const [, , place = ""] = key.split("\n");
  return /^(?:[a-z]+:\/\/)?(?:[^@/]*@)?([^/]*)/.exec(place)?.[1] ?? "";
}
