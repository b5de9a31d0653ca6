import type { Consul, ServiceRegistration } from "../../../consul/index.ts";
import { HANDOVER_KEY } from "./stand-in.ts";

/**
 * What stands in for instances in Consul, by app. What processes before this one left with the agent is looked for once: all that is registered on a node is too much to be
 * read for every deployment.
 */
export class StandIns {
  readonly #agent: Pick<Consul["agent"], "services" | "register" | "deregister">;
  readonly #ids = new Map<string, Set<string>>();
  #looked: Promise<void> | undefined;

  constructor({ agent }: Pick<Consul, "agent">) {
    this.#agent = agent;
  }

  async register(app: string, services: readonly ServiceRegistration[], signal?: AbortSignal): Promise<void> {
    this.#note(
      app,
      services.map(({ id }) => id),
    );
    await Promise.all(services.map((service) => this.#agent.register(service, { signal })));
  }

  /** Takes away all that stands in for instances of the app. */
  async remove(app: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#looked ??= this.#look();
    await this.#looked;
    const ids = [...(this.#ids.get(app) ?? [])];
    await Promise.all(ids.map((id) => this.#agent.deregister(id, { signal })));
    this.#ids.delete(app);
  }

  /** For all who wait for it, so no signal of one of them ends it. */
  async #look(): Promise<void> {
    try {
      for (const { id, meta } of (await this.#agent.services()).values()) {
        const app = meta[HANDOVER_KEY];
        if (app !== undefined) this.#note(app, [id]);
      }
    } catch (error) {
      this.#looked = undefined;
      throw error;
    }
  }

  #note(app: string, ids: readonly string[]): void {
    const known = this.#ids.get(app) ?? new Set();
    for (const id of ids) known.add(id);
    this.#ids.set(app, known);
  }
}
