import { releaseMemorySoon } from "../shared/release-memory.ts";
import { AppTable, ReleaseTable, SettingTable } from "../store/index.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { AppMarks } from "./app-marks.ts";
import type { Journal } from "./journal.ts";
import { Retention } from "./retention.ts";
import { liveSpec } from "./release-of.ts";
import type { Deployment, GarbageReport } from "./types.ts";
import { unattended } from "./unattended.ts";

const DAY = 24 * 60 * 60 * 1000;
const AFTER_START = 10 * 60 * 1000;
/**
 * Besides the daily collection there is one when images that no release names are more than this share of those that one does, and more than so many bytes: a
 * day of deployments of large images would fill the disk else. With less it would not be worth looking at all that is kept.
 */
const MOST_GARBAGE_SHARE = 0.25;
const LEAST_GARBAGE_BYTES = 100_000_000;
/** Setting key: when garbage was last collected, milliseconds since 1970. */
const COLLECTED_AT = "collected-at";

/**
 * What happens after a deployment and between deployments: compressed forms, retention, garbage collection, and at
 * the start the comparison of what should serve with what does. One piece at a time; visitors never wait for it.
 */
export class Housekeeping {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #retention: Retention;
  readonly #settings: SettingTable;
  readonly #unencoded: AppMarks;
  readonly #signal: AbortSignal;
  /** Apps that are to be pruned when a grace time is over. */
  readonly #pruning = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(dependencies: DeployerDependencies, journal: Journal, signal: AbortSignal) {
    this.#dependencies = dependencies;
    this.#journal = journal;
    this.#retention = new Retention(dependencies, journal);
    this.#settings = new SettingTable(dependencies.store);
    this.#unencoded = new AppMarks(dependencies.store, "encode");
    this.#signal = signal;
  }

  /** Makes the compressed forms that an earlier process did not come to, and begins the daily garbage collection, of content and of repositories. */
  start(): void {
    this.#encodeLeft();
    void this.#daily();
  }

  /** Resolves when what is on its way has ended. */
  async stop(): Promise<void> {
    await this.#tail;
  }

  deploymentEnded(app: string, isLive: boolean): void {
    if (isLive) {
      void this.#inTurn(() => this.#prune(app), "pruning releases failed", app);
      void this.#inTurn(() => this.#encode(app, false), "compressing failed", app);
    }
    void this.#inTurn(() => this.#collectMuch(), "collecting garbage failed", app);
    void this.#tail.then(() => releaseMemorySoon(() => true)); // one that failed took as much
  }

  /** Frees what no kept release needs, when what is on its way has ended. */
  async collect(): Promise<GarbageReport> {
    const run = this.#tail.then(() => this.#collect());
    this.#tail = run.catch(() => {});
    return await run;
  }

  async #collect(): Promise<GarbageReport> {
    const report = await this.#retention.collect();
    this.#settings.set(COLLECTED_AT, String(this.#dependencies.clock.now()));
    this.#dependencies.log.info(report, "garbage collected");
    return report;
  }

  /**
   * Routes every app whose live release by the store is not what the engine serves. An app with which that fails must not keep the
   * others from running: it is logged, and serves what it serves. On a cluster nothing is done: it keeps its instances by itself, and what a person changed or stopped there is for
   * a person to decide.
   *
   * @param except apps that are left alone
   */
  async reconcileRoutes(except: readonly string[]): Promise<void> {
    const { store, engine, log, isCluster } = this.#dependencies;
    if (isCluster) return;
    const routed = new Map<string, number>();
    for (const instance of await engine.instances()) if (instance.routed) routed.set(instance.app, instance.release);
    for (const { name } of new AppTable(store).all()) {
      const serves = routed.get(name);
      routed.delete(name);
      if (except.includes(name)) continue;
      await this.#reconcile(name, "routing the live release again failed", () => this.#routeLive(name, serves));
    }
    for (const name of routed.keys()) {
      log.warn({ app: name }, "taking away an app that is not in the store");
      await this.#reconcile(name, "taking it away failed", () => engine.remove(name));
    }
  }

  async #routeLive(app: string, serves: number | undefined): Promise<void> {
    const { engine, log } = this.#dependencies;
    const live = liveSpec(app, this.#dependencies);
    if (live === undefined || live.number === serves) return;
    // It was routed, and control died before that was journaled: the deployment goes on from there.
    const isRouting = ({ state, release }: Deployment): boolean => state === "healthy" && release === serves;
    if (this.#journal.table.unfinishedOf(app).some(isRouting)) return;
    log.warn({ app, live: live.number, serves: serves ?? null }, "routing the live release again");
    const context = unattended(app, this.#dependencies, this.#signal);
    await this.#dependencies.ensureCertificates(live.definition.domains);
    await engine.place(live, context);
    await engine.route(live, context);
  }

  async #reconcile(app: string, failure: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#dependencies.log.error({ app, err: error }, failure);
    }
  }

  async #collectMuch(): Promise<void> {
    const { named, unnamed } = new ReleaseTable(this.#dependencies.store).imageBytes();
    if (unnamed > Math.max(LEAST_GARBAGE_BYTES, named * MOST_GARBAGE_SHARE)) await this.#collect();
  }

  /** Now, and again when the grace time of a release that is kept for it alone is over. After a restart the daily clearing up does that. */
  async #prune(app: string): Promise<void> {
    const { again } = await this.#retention.prune(app);
    if (again !== null) void this.#pruneAt(app, again);
  }

  async #pruneAt(app: string, time: number): Promise<void> {
    if (this.#pruning.has(app)) return; // earlier than this
    this.#pruning.add(app);
    const { clock } = this.#dependencies;
    try {
      await clock.sleep(Math.min(DAY, time - clock.now()), { signal: this.#signal, unref: true });
    } catch {
      return; // stopping
    } finally {
      this.#pruning.delete(app);
    }
    void this.#inTurn(() => this.#prune(app), "pruning releases failed", app);
  }

  /** @param wasLeft it was begun before, and not ended: the forms may be there, and nobody have told the engine */
  async #encode(app: string, wasLeft: boolean): Promise<void> {
    const live = liveSpec(app, this.#dependencies);
    if (live === undefined) return this.#unencoded.forget(app);
    const anyNew = await this.#dependencies.content.encode(live.image, this.#signal);
    if (anyNew || wasLeft) await this.#dependencies.engine.refresh([live]);
    this.#unencoded.done(app, live.number);
  }

  #encodeLeft(): void {
    for (const app of this.#unencoded.apps())
      void this.#inTurn(() => this.#encode(app, true), "compressing failed", app);
  }

  /** A repository that git cannot pack anew must not keep the others from it. */
  async #maintain(app: string): Promise<void> {
    try {
      await this.#dependencies.sources.maintain(app, this.#signal);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      this.#dependencies.log.error({ app, err: error }, "packing the repository anew failed");
    }
  }

  /** Nobody waits for this work: what goes wrong is logged, and done again after the next deployment or the next day. */
  #inTurn(work: () => Promise<unknown>, failure: string, app: string): Promise<void> {
    const run = this.#tail.then(async () => {
      if (this.#signal.aborted) return;
      try {
        await work();
      } catch (error) {
        if (!this.#signal.aborted) this.#dependencies.log.error({ app, err: error }, failure);
      }
    });
    this.#tail = run;
    return run;
  }

  /** A day after the last collection, whichever process did it; not in the first minutes after a start. */
  #untilDue(): number {
    const last = Number(this.#settings.get(COLLECTED_AT) ?? 0);
    const due = last + DAY - this.#dependencies.clock.now();
    return Math.min(DAY, Math.max(AFTER_START, due));
  }

  async #daily(): Promise<void> {
    const { clock, log, store } = this.#dependencies;
    for (;;) {
      try {
        await clock.sleep(this.#untilDue(), { signal: this.#signal, unref: true });
        await this.collect();
        this.#encodeLeft();
        for (const { name } of new AppTable(store).all()) await this.#maintain(name);
      } catch (error) {
        if (this.#signal.aborted) return;
        log.error({ err: error }, "the daily clearing up failed");
      }
    }
  }
}
