import { isDeepStrictEqual } from "node:util";
import { type Backoff, backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { Pace, type PaceLimit } from "./pace.ts";

/** What a query answered. */
export interface Snapshot<Value> {
  /** As of which change; undefined if the answer did not say. */
  index: bigint | undefined;
  value: Value;
}

/** Answer when something is newer than this. */
export interface Question {
  /** 0: answer at once. */
  index: bigint;
  /** Or after so many milliseconds with what there is; the server adds up to a sixteenth. */
  waitMs: number;
  signal: AbortSignal;
}

/** One blocking query of Consul or Nomad. Tries once: the watch does the rest. */
export type BlockingQuery<Value> = (question: Question) => Promise<Snapshot<Value>>;

export interface WatchOptions<Value> {
  clock: Clock;
  /** 0 to 1, for jitter. Default Math.random. */
  random?: (() => number) | undefined;
  /** Ends the watch, which then throws its reason. */
  signal: AbortSignal;
  /**
   * How long a query may block, milliseconds. Default 60,000: one that was asked with an index that is too high, since the servers began anew, says so
   * only then.
   */
  waitMs?: number | undefined;
  /** Whether two values are the same. Default: they are equal in depth. */
  isSame?: ((before: Value, after: Value) => boolean) | undefined;
  /** Told of each query that failed, and how many in a row did. True: it is asked again after a pause. False: the watch throws the error. */
  onFailure: (error: unknown, failures: number) => boolean;
  /** The pauses after failures. Default 250 ms, doubled up to 15 s. */
  backoff?: Backoff | undefined;
  /** How often is asked, though each answer is new. Default: ten at once, then one in 200 ms. */
  pace?: PaceLimit | undefined;
}

export const WATCH_DEFAULTS = {
  waitMs: 60_000,
  backoff: { first: 250, most: 15_000 },
  pace: { burst: 10, everyMs: 200 },
} as const satisfies { waitMs: number; backoff: Backoff; pace: PaceLimit };

/**
 * Yields what a query answers, first at once and then whenever it is something else, by blocking queries:
 * https://developer.hashicorp.com/consul/api-docs/features/blocking. Asks again only when the next value is wanted: who is slow misses what was in between.
 *
 * An index that is the same is a wait that ended. One that is lower, below 1 or not there is worth nothing, and so is ours after a failure, since the
 * servers may have begun anew: then the next question is from 0. Whatever the servers answer, it is asked at a pace.
 */
export async function* watch<Value>(
  query: BlockingQuery<Value>,
  options: WatchOptions<Value>,
): AsyncGenerator<Snapshot<Value>, never, void> {
  const { clock, signal, isSame = isDeepStrictEqual, waitMs = WATCH_DEFAULTS.waitMs } = options;
  const pace = new Pace(clock, options.pace ?? WATCH_DEFAULTS.pace);
  let last: Snapshot<Value> | undefined;
  let index = 0n;
  for (let failures = 0; ;) {
    await pace.turn(signal);
    signal.throwIfAborted();
    let snapshot: Snapshot<Value>;
    try {
      snapshot = await query({ index, waitMs, signal });
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      if (!options.onFailure(error, failures)) throw error;
      index = 0n;
      await clock.sleep(backoffDelay(options.backoff ?? WATCH_DEFAULTS.backoff, failures, options.random), { signal });
      continue;
    }
    failures = 0;
    const isTimeout = index > 0n && snapshot.index === index;
    index = nextIndex(index, snapshot.index);
    if (isTimeout || (last !== undefined && isSame(last.value, snapshot.value))) continue;
    last = snapshot;
    yield snapshot;
  }
}

function nextIndex(asked: bigint, answered: bigint | undefined): bigint {
  return answered === undefined || answered < 1n || answered < asked ? 0n : answered;
}
