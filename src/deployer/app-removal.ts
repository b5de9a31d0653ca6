import { SteppeError } from "../shared/errors.ts";
import { AppTable, SettingTable } from "../store/index.ts";
import { AppMarks } from "./app-marks.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import type { ImageWatch } from "./image-watch.ts";
import type { Journal } from "./journal.ts";
import type { RefWatch } from "./ref-watch.ts";
import type { Scheduler } from "./scheduler.ts";

/** Setting key: a removal that a crash must not make us forget. */
const REMOVING = "removing:";

interface Parts {
  dependencies: DeployerDependencies;
  journal: Journal;
  scheduler: Scheduler;
  refs: RefWatch;
  images: ImageWatch;
  lifetime: AbortSignal;
}

/** Takes apps away with all that is of them, and finishes what a crash cut short. */
export class AppRemoval {
  readonly #parts: Parts;
  readonly #settings: SettingTable;
  /** By app. */
  readonly #running = new Map<string, Promise<void>>();
  #finishing: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#settings = new SettingTable(parts.dependencies.store);
  }

  /** Journals that the app is to go, and removes it. */
  async remove(name: string): Promise<void> {
    this.#settings.set(REMOVING + name, "1");
    await this.#remove(name);
  }

  /** Finishes the removals that are journaled. Returns the apps whose removal cannot be finished now. */
  finishAll(): Promise<string[]> {
    const all = this.#finishAll();
    this.#finishing = all;
    return all;
  }

  async #finishAll(): Promise<string[]> {
    for (const app of this.left()) if (!this.#parts.lifetime.aborted) await this.#finish(app);
    return this.left();
  }

  /** Resolves when nothing is removed any more; the lifetime has ended. What is left is finished at the next start. */
  async stop(): Promise<void> {
    await this.#finishing;
    await Promise.allSettled(this.#running.values());
  }

  /** The apps whose removal is journaled. */
  left(): string[] {
    return this.#settings.keysAfter(REMOVING);
  }

  /** One that cannot be finished now must not keep the others from running: it is tried again at the next start. */
  async #finish(name: string): Promise<void> {
    try {
      await this.#remove(name);
    } catch (error) {
      if (this.#parts.lifetime.aborted) return;
      this.#parts.dependencies.log.error({ app: name, err: error }, "the removal of an app cannot be finished");
    }
  }

  /** Who asks while it goes on waits for the same removal: by its end another app may have the name. */
  #remove(name: string): Promise<void> {
    let removal = this.#running.get(name);
    if (removal === undefined) {
      removal = this.#removeParts(name).finally(() => this.#running.delete(name));
      this.#running.set(name, removal);
    }
    return removal;
  }

  /** Each part can be done again, so that a removal that was cut short is finished at the next start. */
  async #removeParts(name: string): Promise<void> {
    const { dependencies, journal, scheduler, refs, images, lifetime } = this.#parts;
    const { content, engine, remotes, sources, store } = dependencies;
    const reason = new SteppeError("APP_NOT_FOUND", {
      operation: "deploy",
      subject: name,
      cause: "the app was removed",
    });
    await scheduler.close(name, reason);
    await refs.close(name, reason);
    await images.close(name, reason);
    await remotes.forget(name);
    await engine.remove(name, lifetime);
    await sources.remove(name);
    await content.removeBuildLogs(journal.table.idsOf(name));
    await content.forgetApp(name);
    store.transaction(() => {
      new AppTable(store).delete(name);
      this.#settings.delete(`last-release:${name}`);
      new AppMarks(store, "encode").forget(name);
      new AppMarks(store, "retiring").forget(name);
      this.#settings.delete(REMOVING + name);
    });
    scheduler.reopen(name);
    refs.reopen(name);
    images.reopen(name);
  }
}
