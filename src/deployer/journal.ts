import type { Clock } from "../shared/clock.ts";
import type { ErrorBody } from "../shared/errors.ts";
import { DeploymentTable, type DeploymentUpdate, type EventRow, type Store } from "../store/index.ts";
import { shortDigest } from "./format.ts";
import {
  type DeployOptions,
  type Deployment,
  type DeploymentEvent,
  type DeploymentSource,
  type DeploymentState,
  FINAL_STATES,
  type Hold,
} from "./types.ts";

type Listener = (event: DeploymentEvent) => void;

/** How many events wait for one who follows slowly, before lines that are not journaled are left out. */
const MOST_WAITING = 1000;

/** What goes with a line of the journal. */
export interface Extra {
  error?: ErrorBody;
  urls?: string[];
}

/**
 * Deployments and what happened to them. A state is written, durably, before the step that it names is
 * taken; then those who listen are told.
 */
export class Journal {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #table: DeploymentTable<DeploymentSource, DeploymentState, Hold>;
  readonly #listeners = new Set<Listener>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#table = new DeploymentTable(store);
  }

  get table(): DeploymentTable<DeploymentSource, DeploymentState, Hold> {
    return this.#table;
  }

  /** Queues a deployment. May be called within a transaction: listeners are told by `announceQueued` after it. */
  insert(app: string, source: DeploymentSource, options: DeployOptions & { byItself: boolean }): number {
    const { requestId, noGrace = false, byItself } = options;
    const now = this.#clock.now();
    return this.#store.transaction(() => {
      const id = this.#table.insert({ app, source, state: "queued", noGrace, byItself, requestId, createdAt: now });
      this.#table.appendEvent(id, now, "queued", {
        message: `${describeSource(source)}${noGrace ? ", without grace" : ""}`,
      });
      return id;
    });
  }

  announceQueued(id: number): void {
    const deployment = this.get(id);
    const first = this.#table.events(id)[0];
    if (deployment !== undefined && first !== undefined) this.#tell(toEvent(deployment, first));
  }

  get(id: number): Deployment | undefined {
    return this.#table.get(id);
  }

  /** Whether a release was live at any time; of one that is kept that is not forgotten. */
  wasLive(app: string, release: number): boolean {
    return this.#table.switches(app, "live").some((one) => one.release === release);
  }

  /** Goes to a state: journals it with whatever else the step settled, and tells. */
  enter(
    id: number,
    state: DeploymentState,
    message: string,
    update: Omit<DeploymentUpdate, "state"> = {},
    extra: Extra = {},
  ): void {
    const at = this.#clock.now();
    const finished = FINAL_STATES.has(state) ? { finishedAt: at } : {};
    const seq = this.#store.transaction(() => {
      this.#table.update(id, { ...update, state, ...finished });
      return this.#table.appendEvent(id, at, state, { message, ...extra });
    });
    this.#tellRow({ deployment: id, seq, at, event: state, detail: { message, ...extra } });
  }

  /** Journals why a deployment fails before what it placed is taken away; with null, that it is taken up again. */
  ending(id: number, error: ErrorBody | null): void {
    this.#table.setError(id, error);
  }

  /** Journals something that happened within a state. */
  note(id: number, message: string): void {
    const at = this.#clock.now();
    const seq = this.#table.appendEvent(id, at, "note", { message });
    this.#tellRow({ deployment: id, seq, at, event: "note", detail: { message } });
  }

  /** Journals what a deployment waits for from now on, or with null that it waits no more. */
  hold(id: number, hold: Hold | null, message: string): void {
    const at = this.#clock.now();
    const event = hold === null ? "note" : "held";
    const seq = this.#store.transaction(() => {
      this.#table.setHold(id, hold);
      return this.#table.appendEvent(id, at, event, { message });
    });
    this.#tellRow({ deployment: id, seq, at, event, detail: { message } });
  }

  /** Journals that a person approved a deployment. */
  approve(id: number): void {
    this.#store.transaction(() => {
      this.#table.setApproved(id, this.#clock.now());
      this.hold(id, null, "approved");
    });
  }

  /** Tells those who listen now, without a line in the journal: progress, and lines of a build's log (which has a file of its own). */
  tell(id: number, event: "progress" | "log", message: string): void {
    this.#tellRow({ deployment: id, seq: 0, at: this.#clock.now(), event, detail: { message } });
  }

  /** Every event of every deployment from now on. Returns what ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A deployment's events from the first, then as they come, to its end. */
  async *follow(id: number, signal: AbortSignal): AsyncGenerator<DeploymentEvent> {
    const waiting: DeploymentEvent[] = [];
    let wake: (() => void) | undefined;
    const wakeUp = (): void => wake?.();
    const unsubscribe = this.subscribe((event) => {
      if (event.deployment !== id) return;
      if (waiting.length >= MOST_WAITING && event.seq === 0) return; // whoever reads so slowly misses lines
      waiting.push(event);
      wakeUp();
    });
    signal.addEventListener("abort", wakeUp);
    try {
      const deployment = this.get(id);
      if (deployment === undefined) return;
      for (const row of this.#table.events(id)) {
        const event = toEvent(deployment, row);
        yield event;
        if (isFinal(event)) return;
      }
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
        } else {
          yield event;
          if (isFinal(event)) return;
        }
      }
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", wakeUp);
    }
  }

  #tellRow(row: EventRow): void {
    if (this.#listeners.size === 0) return;
    const deployment = this.get(row.deployment);
    if (deployment !== undefined) this.#tell(toEvent(deployment, row));
  }

  /** Of what is being written with other things, when all of it is. */
  #tell(event: DeploymentEvent): void {
    this.#store.afterCommit(() => {
      for (const listener of this.#listeners) listener(event);
    });
  }
}

function isFinal(event: DeploymentEvent): boolean {
  return FINAL_STATES.has(event.event as DeploymentState);
}

function toEvent(deployment: Deployment, row: EventRow): DeploymentEvent {
  const { error, urls } = row.detail as Extra;
  return {
    deployment: deployment.id,
    app: deployment.app,
    seq: row.seq,
    at: row.at,
    event: row.event as DeploymentEvent["event"],
    message: String(row.detail["message"]),
    elapsedMs: Math.max(0, row.at - deployment.createdAt),
    ...(error === undefined ? {} : { error }),
    ...(urls === undefined ? {} : { urls }),
  };
}

/** `refs/tags/v1` as a person says it: `tag v1`. */
export function describeRef(ref: string): string {
  if (ref.startsWith("refs/tags/")) return `tag ${ref.slice("refs/tags/".length)}`;
  if (ref.startsWith("refs/heads/")) return `branch ${ref.slice("refs/heads/".length)}`;
  return ref;
}

function describeSource(source: DeploymentSource): string {
  switch (source.kind) {
    case "ref": {
      const moved = source.movedFrom === undefined ? "" : `, moved from ${source.movedFrom.slice(0, 9)}`;
      return `${describeRef(source.ref)} received (${source.commit.slice(0, 9)}${moved})`;
    }
    case "image": {
      const moved = source.movedFrom === undefined ? "" : `, moved from ${shortDigest(source.movedFrom)}`;
      return `image ${source.tag ?? ""} received (${shortDigest(source.digest)}${moved})`.replace("  ", " ");
    }
    case "upload":
      return "folder received";
    case "rollback":
      return `rollback to release ${source.release} asked for`;
    case "definition":
      return "changed definition received";
  }
}
