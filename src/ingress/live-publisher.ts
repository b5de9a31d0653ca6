import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import type { IngressAddresses } from "./control-protocol.ts";
import { Gone, type IngressClient, NoAnswer } from "./ingress-client.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import {
  cloneSnapshot,
  encodeSnapshot,
  type ProbeAnswer,
  type ProbeRequest,
  type Snapshot,
  SnapshotFiles,
  type SnapshotPublisher,
} from "./snapshot/index.ts";

export interface LivePublisherOptions {
  /** `ingress/` in the data folder. */
  folder: string;
  clock: Clock;
  log: Logger;
  /** Called with a process that does not answer; it must not go on serving what is out of date. */
  onStuck(client: IngressClient, cause: Error): void;
  /** Milliseconds for an acknowledgement. Default 5,000. */
  ackMs?: number;
}

/** Publishes snapshots to the ingress processes that have joined. */
export class LivePublisher implements SnapshotPublisher {
  readonly #files: SnapshotFiles;
  readonly #options: LivePublisherOptions;
  readonly #ackMs: number;
  readonly #members = new Set<IngressClient>();
  readonly #queue = new SerialQueue();
  #current: Snapshot;
  #joined = Promise.withResolvers<void>();

  constructor(options: LivePublisherOptions) {
    this.#options = options;
    this.#ackMs = options.ackMs ?? 5_000;
    this.#files = new SnapshotFiles(options.folder);
    const { snapshot, damage } = this.#files.load();
    if (damage !== undefined)
      options.log.error({ err: damage }, "the snapshot is damaged; going on from the one before it");
    this.#current = snapshot;
  }

  current(): Snapshot {
    return this.#current;
  }

  /**
   * Brings a process up to date and lets it accept connections, in between two updates: none that accepts is ever behind.
   * Rejects with OperationRefused if it cannot listen.
   */
  join(client: IngressClient): Promise<IngressAddresses> {
    return this.#queue.run(async () => {
      if (client.status.generation !== this.#current.generation) await client.call("reload", {}, this.#ackMs);
      const { state, addresses: known } = client.status;
      const addresses = state === "waiting" || known === null ? await client.call("accept", {}, this.#ackMs) : known;
      this.#members.add(client);
      void client.closed.then(() => this.#members.delete(client));
      this.#joined.resolve();
      return addresses;
    });
  }

  update(mutate: (draft: Snapshot) => void): Promise<Snapshot> {
    return this.#queue.run(async () => {
      const draft = cloneSnapshot(this.#current);
      mutate(draft);
      draft.generation = this.#current.generation;
      if (encodeSnapshot(draft) === encodeSnapshot(this.#current)) return this.#current;
      draft.generation++;
      await this.#publish(draft);
      return draft;
    });
  }

  async probe(request: ProbeRequest): Promise<ProbeAnswer[]> {
    const deadline = this.#options.clock.monotonic() + request.timeoutMs;
    for (;;) {
      const left = Math.max(1, deadline - this.#options.clock.monotonic());
      const members = [...this.#members];
      const answers = await Promise.all(members.map((client) => probeOne(client, request, left)));
      const given = answers.filter((answer) => answer !== "gone");
      if (given.length > 0) return given;
      await this.#someoneJoins(left, request);
    }
  }

  async #publish(next: Snapshot): Promise<void> {
    const { generation } = next;
    try {
      this.#files.writeNext(next);
      await this.#all((client) => client.call("prepare", { generation }, this.#ackMs));
      this.#files.commit();
    } catch (error) {
      await this.#all((client) => client.call("discard", {}, this.#ackMs));
      this.#files.discardNext();
      throw error;
    }
    this.#current = next;
    await this.#all((client) => client.call("switch", { generation }, this.#ackMs));
  }

  /** Asks all members at once. One that does not answer is reported and left behind; one that refuses fails the whole. */
  async #all(ask: (client: IngressClient) => Promise<unknown>): Promise<void> {
    const outcomes = await Promise.allSettled(
      [...this.#members].map(async (client) => {
        try {
          await ask(client);
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw refusal(client, error);
          this.#members.delete(client);
          this.#options.onStuck(client, error);
        }
      }),
    );
    const refused = outcomes.find((outcome) => outcome.status === "rejected");
    if (refused !== undefined) throw refused.reason;
  }

  async #someoneJoins(withinMs: number, request: ProbeRequest): Promise<void> {
    this.#joined = Promise.withResolvers();
    const given = new AbortController();
    const late = this.#options.clock.sleep(withinMs, { signal: given.signal, unref: true }).then(
      () => "late" as const,
      () => "late" as const, // aborted below: someone joined
    );
    const outcome = await Promise.race([this.#joined.promise, late]);
    given.abort();
    if (outcome !== "late") return;
    throw new SteppeError("INGRESS_UNAVAILABLE", {
      operation: "check",
      subject: `${request.app}, release ${request.release}`,
      cause: `no ingress process was there within ${request.timeoutMs} ms`,
    });
  }
}

async function probeOne(client: IngressClient, request: ProbeRequest, withinMs: number): Promise<ProbeAnswer | "gone"> {
  try {
    return { process: client.status.id, ...(await client.call("probe", request, withinMs)) };
  } catch (error) {
    // One that died meanwhile has no say: its successor serves from the same snapshot.
    if (error instanceof Gone) return "gone";
    throw error;
  }
}

function refusal(client: IngressClient, error: unknown): SteppeError {
  const cause = error instanceof Error ? error.message : String(error);
  return new SteppeError("INTERNAL", { operation: "publish to", subject: client.name, cause }, { cause: error });
}
