import type { NomadEvent } from "./event.ts";

/** The events of one line of the stream. */
export interface EventBatch {
  index: bigint;
  events: NomadEvent[];
}

/**
 * Where a reader of the event stream is. Asked for an index, Nomad begins at the nearest that its buffer has, that one included. There are several events of an index, and
 * sometimes several lines of it, of which a connection that broke off may have brought some. So those of the last index are counted.
 */
export class EventCursor {
  #last: bigint | undefined;
  /** What came of the last index, and how often. */
  #taken = new Map<string, number>();
  /** What of that is to come again. */
  #repeated = new Map<string, number>();
  #isCertain = true;

  /** The index to begin at; undefined if nothing came yet. */
  get last(): bigint | undefined {
    return this.#last;
  }

  /** Whether it is known what was missed. */
  get isCertain(): boolean {
    return this.#isCertain;
  }

  /** A new connection begins at the last index. */
  reconnect(): void {
    this.#repeated = new Map(this.#taken);
    this.#isCertain = false;
  }

  /** That something may have been missed is known. */
  settle(): void {
    this.#isCertain = true;
  }

  /**
   * What is new of a batch, and whether something is missing before it: what came of the last index did not come again, so Nomad's buffer does not reach back to it any
   * more, or it is another Nomad's; or this index is lower, and the servers began anew.
   */
  take({ index, events }: EventBatch): { hasGap: boolean; events: NomadEvent[] } {
    const last = this.#last;
    const isNext = index !== last;
    const hasGap = last !== undefined && isNext && (!this.#isCertain || index < last);
    if (isNext) {
      this.#last = index;
      this.#taken = new Map();
      this.#repeated = new Map();
    }
    const found = events.filter((event) => this.#isNew(identityOf(event)));
    if (this.#repeated.size === 0) this.#isCertain = true;
    return { hasGap, events: found };
  }

  #isNew(id: string): boolean {
    const repeated = this.#repeated.get(id) ?? 0;
    if (repeated === 0) this.#taken.set(id, (this.#taken.get(id) ?? 0) + 1);
    else if (repeated === 1) this.#repeated.delete(id);
    else this.#repeated.set(id, repeated - 1);
    return repeated === 0;
  }
}

function identityOf(event: NomadEvent): string {
  const topic = event.topic === "other" ? event.topicName : event.topic;
  return JSON.stringify([topic, event.type, event.key, event.namespace]);
}
