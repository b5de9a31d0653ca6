import type { AppDefinition } from "../config/index.ts";
import { backoffDelay } from "../shared/backoff.ts";
import type { SteppeError } from "../shared/errors.ts";
import { HostPlaces } from "../shared/host-places.ts";
import { parseRemote } from "../sources/index.ts";
import { AppLooks } from "./app-looks.ts";
import type { AppRegistry } from "./app-registry.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { liveTag } from "./policy/live-tag.ts";
import type { Scheduler } from "./scheduler.ts";
import type { RefsReport } from "./types.ts";

/** A look at what was pushed that failed (a full disk, say) is made again: nobody polls a repository of our own. */
const AGAIN = { first: 5000, most: 5 * 60_000 };

/** So many repositories of one host are looked at at once where nobody waits for it: a thousand apps may be declared together. */
const UNASKED_AT_ONCE = 4;

/** Looks at the refs of apps, and queues what is new among them. Looks at one app follow each other. */
export class RefWatch {
  readonly #dependencies: DeployerDependencies;
  readonly #registry: AppRegistry;
  readonly #scheduler: Scheduler;
  readonly #lifetime: AbortSignal;
  readonly #looks: AppLooks;
  readonly #places = new HostPlaces(UNASKED_AT_ONCE);
  /** Of apps whose refs are to be looked at again. */
  readonly #again = new Set<string>();

  constructor(dependencies: DeployerDependencies, registry: AppRegistry, scheduler: Scheduler, lifetime: AbortSignal) {
    this.#dependencies = dependencies;
    this.#registry = registry;
    this.#scheduler = scheduler;
    this.#lifetime = lifetime;
    this.#looks = new AppLooks(lifetime);
  }

  /** See `Deployer.refsChanged`. */
  async look(name: string, requestId: string): Promise<RefsReport> {
    try {
      return await this.#looks.run(name, () => this.#look(name, requestId));
    } catch (error) {
      void this.#lookAgain(name);
      throw error;
    }
  }

  /** Nobody waits for the outcome of such a look: what goes wrong is logged, and tried again. */
  async lookUnasked(name: string): Promise<void> {
    try {
      const { repository } = this.#registry.get(name).definition;
      const host = repository === null ? "" : parseRemote(repository, name).host;
      using _ = await this.#places.acquire(host, this.#looks.signalOf(name));
      await this.look(name, "poll");
    } catch (error) {
      if (this.#lifetime.aborted) return;
      this.#dependencies.log.error({ app: name, err: error }, "looking at the repository's tags failed");
    }
  }

  /** Finds what was pushed and never looked at: the process died in between, or the journal lost its tail. */
  async lookAtUnseen(): Promise<void> {
    for (const { name } of this.#registry.all()) {
      if (this.#lifetime.aborted) return;
      try {
        if (await this.#dependencies.sources.hasUnseenRefs(name)) await this.lookUnasked(name);
      } catch (error) {
        this.#dependencies.log.error({ app: name, err: error }, "the repository's refs cannot be read");
      }
    }
  }

  /** Brings the refs of an app whose repository lives elsewhere here. Throws REMOTE_UNREACHABLE. */
  async fetch({ name, repository }: AppDefinition): Promise<void> {
    if (repository === null) return;
    await this.#dependencies.sources.fetch(name, repository, this.#looks.signalOf(name));
  }

  /** Ends what is under way for an app that is being removed; nothing more is fetched for it until `reopen`. */
  async close(name: string, reason: SteppeError): Promise<void> {
    await this.#looks.close(name, reason);
  }

  /** The app is gone: one of its name may come. */
  reopen(name: string): void {
    this.#looks.reopen(name);
  }

  /** Resolves when what is under way has ended; the lifetime has. */
  async stop(): Promise<void> {
    await this.#looks.stop();
  }

  async #look(name: string, requestId: string): Promise<RefsReport> {
    const { sources, store } = this.#dependencies;
    const { definition } = this.#registry.get(name);
    await this.fetch(definition);
    const look = await sources.look(definition, liveTag(name, store));
    const ids = store.transaction(() => {
      this.#registry.get(name); // it may have been removed meanwhile
      sources.markSeen(name, look);
      return look.deploy === undefined
        ? []
        : [this.#scheduler.insert(name, { kind: "ref", ...look.deploy }, { requestId })];
    });
    return { queued: ids.map((id) => this.#scheduler.announce(id)), notes: look.notes };
  }

  async #lookAgain(name: string): Promise<void> {
    if (this.#again.has(name) || this.#lifetime.aborted) return;
    this.#again.add(name);
    const { clock, sources } = this.#dependencies;
    try {
      for (let failures = 1; ; failures++) {
        await clock.sleep(backoffDelay(AGAIN, failures), { signal: this.#lifetime, unref: true });
        const app = this.#registry.all().find((row) => row.name === name);
        if (app === undefined || app.definition.repository !== null) return; // gone, or the poller's
        try {
          if (await sources.hasUnseenRefs(name)) await this.look(name, "again");
          return;
        } catch (error) {
          this.#dependencies.log.error({ app: name, err: error }, "looking at the repository's tags failed again");
        }
      }
    } catch (error) {
      if (!this.#lifetime.aborted) throw error;
    } finally {
      this.#again.delete(name);
    }
  }
}
