import type { Consul, ServiceRegistration } from "../../../consul/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { HANDOVER_KEY } from "./stand-in.ts";

/** Should this process die in between. */
const STIR_MS = 10_000;
const FORGET_MS = 60_000;
/** Well within the time that a stand-in passes for. */
const KEEP_MS = 5000;

interface Known {
  ids: Set<string>;
  /** When they were last said to be well, milliseconds. */
  at: number;
}

/**
 * What stands in for instances in Consul, by app. What processes before this one left with the agent is looked for once: all that is registered on a node is too much to be
 * read for every deployment.
 */
export class StandIns {
  readonly #agent: Consul["agent"];
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  #looked: Promise<void> | undefined;

  constructor({ agent }: Pick<Consul, "agent">, clock: Clock) {
    this.#agent = agent;
    this.#clock = clock;
  }

  async register(app: string, services: readonly ServiceRegistration[], signal?: AbortSignal): Promise<void> {
    for (const { id } of services) this.#note(app, id);
    await Promise.all(services.map((service) => this.#agent.register(service, { signal })));
  }

  /**
   * Has whoever waits for Consul's checks look at its services again, by one that comes and goes. Consul 1.10 tells them nothing where only the tags of a service changed, so Fabio
   * would have new routes no sooner than something else happens.
   */
  async stir(app: string, service: Pick<ServiceRegistration, "name" | "address" | "port">): Promise<void> {
    const check = { kind: { ttlMs: STIR_MS }, status: "critical", deregisterAfterMs: FORGET_MS } as const;
    const id = `steppe-handover-${app}-stir`;
    await this.#agent.register({ ...service, id, tags: [], meta: { [HANDOVER_KEY]: app }, check });
    await this.#agent.deregister(id);
  }

  /** Has them go on for a while. To be called again and again, as long as they are needed: Nomad may take long to bring to Consul what changed. */
  async keep(app: string, signal?: AbortSignal): Promise<void> {
    const known = this.#known.get(app);
    const now = this.#clock.monotonic();
    if (known === undefined || now - known.at < KEEP_MS) return;
    known.at = now;
    await Promise.all([...known.ids].map((id) => this.#keepOne(id, signal)));
  }

  /**
   * What some work comes to that takes long; they go on meanwhile. Rejects also if Consul cannot be told that they do.
   *
   * @param work is told to stop when it is not waited for any more
   */
  async during<Result>(
    app: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const end = new AbortController();
    const either = AbortSignal.any([signal, end.signal]);
    const keeping = this.#keepOn(app, either);
    try {
      return await Promise.race([work(either), keeping]);
    } finally {
      end.abort();
      await keeping.catch(() => {}); // the race has thrown it, or it is over
    }
  }

  /** Takes away all that stands in for instances of the app. */
  async remove(app: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#looked ??= this.#look();
    await this.#looked;
    const ids = [...(this.#known.get(app)?.ids ?? [])];
    await Promise.all(ids.map((id) => this.#agent.deregister(id, { signal })));
    this.#known.delete(app);
  }

  async #keepOn(app: string, signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#clock.sleep(KEEP_MS, { signal, unref: true });
      await this.keep(app, signal);
    }
  }

  async #keepOne(id: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#agent.reportCheck(`service:${id}`, { status: "passing", output: "canaries take over", signal });
    } catch (error) {
      // The agent has it no more.
      if (!(error instanceof SteppeError) || error.code !== "CONSUL_REFUSED") throw error;
    }
  }

  /** For all who wait for it, so no signal of one of them ends it. */
  async #look(): Promise<void> {
    try {
      for (const { id, meta } of (await this.#agent.services()).values()) {
        const app = meta[HANDOVER_KEY];
        if (app !== undefined) this.#note(app, id);
      }
    } catch (error) {
      this.#looked = undefined;
      throw error;
    }
  }

  #note(app: string, id: string): void {
    const known = this.#known.get(app) ?? { ids: new Set(), at: this.#clock.monotonic() };
    known.ids.add(id);
    this.#known.set(app, known);
  }
}
