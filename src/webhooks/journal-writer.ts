import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { DELIVERY_BOUNDS, type DeliveryJournal, type NewDelivery, type Recorded } from "./delivery-journal.ts";

/** After so many turns of the event loop that brought nothing, what has come is written. */
const QUIET_TURNS = 4;
/** One sync to disk serves so many; more would keep the event loop for too long. */
const MOST_AT_ONCE = 200;
/** What is too old or too much is removed at the first delivery after a start, and each time that so many came. */
const PRUNE_EACH = 500;

interface Waiting {
  delivery: NewDelivery;
  resolve(recorded: Recorded): void;
  reject(error: unknown): void;
}

/**
 * Writes deliveries that come at the same time in one transaction: each costs a sync to disk, and in a burst of thousands all are to
 * be answered within a second. Of those the event loop accepts one connection a turn, so turns are waited for as long as they bring
 * more: a sync in each would let in some seventy a second. Removes what need not be kept.
 */
export class JournalWriter {
  readonly #journal: DeliveryJournal;
  readonly #clock: Clock;
  readonly #log: Logger;
  #waiting: Waiting[] = [];
  #untilPruned = 1;

  constructor({ journal, clock, log }: { journal: DeliveryJournal; clock: Clock; log: Logger }) {
    this.#journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves once the delivery is durable; rejects if it could not be written. */
  record(delivery: NewDelivery): Promise<Recorded> {
    const { promise, resolve, reject } = Promise.withResolvers<Recorded>();
    this.#waiting.push({ delivery, resolve, reject });
    if (this.#waiting.length === 1) setImmediate(() => this.#gather(0, 0));
    return promise;
  }

  /**
   * Writes if no more come.
   *
   * @param before how many there were a turn before
   * @param quiet the turns before it that brought nothing
   */
  #gather(before: number, quiet: number): void {
    const count = this.#waiting.length;
    const turns = count === before ? quiet + 1 : 0;
    if (count >= MOST_AT_ONCE || turns >= QUIET_TURNS) this.#write();
    else setImmediate(() => this.#gather(count, turns));
  }

  #write(): void {
    const batch = this.#waiting.splice(0, MOST_AT_ONCE);
    if (this.#waiting.length > 0) setImmediate(() => this.#gather(0, 0));
    if (!this.#tryToWrite(batch) && batch.length > 1) {
      // One that cannot be written does not take the others with it.
      for (const one of batch) this.#tryToWrite([one]);
    }
    this.#untilPruned -= batch.length;
    if (this.#untilPruned <= 0) this.#prune();
  }

  #prune(): void {
    this.#untilPruned = PRUNE_EACH;
    try {
      this.#journal.prune(DELIVERY_BOUNDS, this.#clock.now());
    } catch (error) {
      this.#log.error({ err: error }, "old deliveries could not be removed");
    }
  }

  /** False if a batch of several failed, so that nobody has been told yet. */
  #tryToWrite(batch: readonly Waiting[]): boolean {
    let recorded: Recorded[];
    try {
      recorded = this.#journal.record(batch.map(({ delivery }) => delivery));
    } catch (error) {
      if (batch.length > 1) return false;
      for (const { reject } of batch) reject(error);
      return true;
    }
    for (const [index, { resolve, reject }] of batch.entries()) {
      const one = recorded[index];
      if (one === undefined) reject(new Error("the journal did not answer for a delivery"));
      else resolve(one);
    }
    return true;
  }
}
