import type { SourceTree } from "../builds/index.ts";
import type { AppDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { type AppRow, AppTable, ReleaseTable } from "../store/index.ts";
import { AppMarks } from "./app-marks.ts";
import { AppRegistry } from "./app-registry.ts";
import { AppRemoval } from "./app-removal.ts";
import { AskedDeployments } from "./asked-deployments.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { HintedApps } from "./hinted-apps.ts";
import { ImageWatch } from "./image-watch.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Journal } from "./journal.ts";
import { redeployment } from "./redeployment.ts";
import { RefWatch } from "./ref-watch.ts";
import { Scheduler } from "./scheduler.ts";
import { STOPPING } from "./stopping.ts";
import type {
  App,
  ApplyResult,
  Deployer,
  DeployOptions,
  LookUpOptions,
  Deployment,
  DeploymentEvent,
  GarbageReport,
  HintedImage,
  RefsReport,
  Release,
} from "./types.ts";

/** What a changed definition asks for. */
interface Asked {
  app: string;
  /** The deployment that takes it up; undefined if the next one does by itself. */
  id: number | undefined;
  isNew: boolean;
}

/** Which release goes live when. See `Deployer` for what each method does, `start` and `stop` for its life. */
export class AppDeployer implements Deployer {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #registry: AppRegistry;
  readonly #scheduler: Scheduler;
  readonly #housekeeping: Housekeeping;
  readonly #refs: RefWatch;
  readonly #images: ImageWatch;
  readonly #hinted: HintedApps;
  readonly #asked: AskedDeployments;
  readonly #removal: AppRemoval;
  readonly #lifetime = new AbortController();

  constructor(dependencies: DeployerDependencies) {
    this.#dependencies = dependencies;
    this.#journal = new Journal(dependencies.store, dependencies.clock);
    this.#registry = new AppRegistry(dependencies);
    this.#housekeeping = new Housekeeping(dependencies, this.#journal, this.#lifetime.signal);
    this.#scheduler = new Scheduler(dependencies, this.#journal, (app, isLive) =>
      this.#housekeeping.deploymentEnded(app, isLive),
    );
    this.#refs = new RefWatch(dependencies, this.#registry, this.#scheduler, this.#lifetime.signal);
    const parts = {
      dependencies,
      registry: this.#registry,
      scheduler: this.#scheduler,
      journal: this.#journal,
      lifetime: this.#lifetime.signal,
    };
    this.#images = new ImageWatch(parts);
    const watches = { refs: this.#refs, images: this.#images };
    this.#hinted = new HintedApps({ registry: this.#registry, ...watches, clock: dependencies.clock });
    this.#asked = new AskedDeployments({ ...parts, ...watches });
    this.#removal = new AppRemoval({ ...parts, ...watches });
  }

  /**
   * Brings refs, journal and engine into line after whatever ended the process before: finishes removals, routes what
   * should serve and does not, takes up unfinished deployments, and begins to look at refs that nobody has seen.
   */
  async start(): Promise<void> {
    const removing = await this.#finishRemovals();
    await this.#housekeeping.reconcileRoutes(removing);
    const left = this.#journal.table.unfinished().map(({ app }) => app);
    for (const app of new Set([...left, ...new AppMarks(this.#dependencies.store, "retiring").apps()]))
      if (!removing.includes(app)) this.#scheduler.takeUp(app);
    for (const { name, definition } of this.#registry.all())
      if (!removing.includes(name)) this.#dependencies.remotes.watch(definition);
    void this.#refs.lookAtUnseen();
    this.#housekeeping.start();
  }

  /** The apps that are still to be removed: a cluster may be away for long, and nobody is to wait for it. */
  async #finishRemovals(): Promise<string[]> {
    if (!this.#dependencies.isCluster) return await this.#removal.finishAll();
    const left = this.#removal.left();
    void this.#removal.finishAll(); // `stop` waits for it
    return left;
  }

  /** Leaves what is on its way in the journal. */
  async stop(): Promise<void> {
    this.#lifetime.abort(STOPPING);
    await this.#scheduler.stop();
    await this.#removal.stop();
    await this.#refs.stop();
    await this.#images.stop();
    await this.#housekeeping.stop();
  }

  /** Every event of every deployment from now on. Returns what ends it. */
  subscribe(listener: (event: DeploymentEvent) => void): () => void {
    return this.#journal.subscribe(listener);
  }

  apps(): App[] {
    return this.#registry.all().map((row) => this.#toApp(row));
  }

  app(name: string): App {
    return this.#toApp(this.#registry.get(name));
  }

  async addApp(definition: AppDefinition, { paused }: { paused?: string } = {}): Promise<App> {
    this.#registry.add(
      definition,
      paused === undefined ? null : { since: this.#dependencies.clock.now(), reason: paused },
    );
    await this.#begin(definition);
    return this.app(definition.name);
  }

  async removeApp(name: string): Promise<void> {
    this.#registry.get(name);
    await this.#removal.remove(name);
  }

  async apply(
    definitions: readonly AppDefinition[],
    { dryRun, prune, requestId }: { dryRun: boolean; prune: boolean; requestId: string },
  ): Promise<ApplyResult> {
    const plan = this.#registry.plan(definitions, prune);
    if (dryRun) return { changes: plan.changes, deployments: [] };
    for (const app of plan.remove) await this.removeApp(app);
    // Anew, since others may have changed something while apps were removed. What is declared is written with what it asks for: a crash leaves all of it or nothing.
    const { add, change, asked } = this.#dependencies.store.transaction(() => {
      const written = this.#registry.planAndWrite(definitions);
      return { ...written, asked: written.change.map(({ before, after }) => this.#ask(before, after, requestId)) };
    });
    for (const { after } of change) this.#dependencies.remotes.watch(after);
    const deployments = asked.flatMap((one) => this.#begun(one));
    for (const definition of add) await this.#begin(definition);
    return { changes: plan.changes, deployments };
  }

  refsChanged(name: string, requestId: string): Promise<RefsReport> {
    return this.#refs.look(name, requestId);
  }

  /** Looks at the tags of the app's repository of images, and queues what is new. For polls. */
  async lookAtImages(name: string, requestId: string): Promise<void> {
    await this.#images.look(name, null, requestId);
  }

  imageChanged(hint: HintedImage, requestId: string, signal: AbortSignal): Promise<string> {
    return this.#hinted.imageChanged(hint, requestId, signal);
  }

  repositoryChanged(urls: readonly string[], requestId: string, signal: AbortSignal): Promise<string> {
    return this.#hinted.repositoryChanged(urls, requestId, signal);
  }

  deployRef(name: string, ref: { tag: string } | { branch: string }, options: LookUpOptions): Promise<Deployment> {
    return this.#asked.ref(name, ref, options);
  }

  deployImage(name: string, reference: string, options: LookUpOptions): Promise<Deployment> {
    return this.#asked.image(name, reference, options);
  }

  deployUpload(name: string, tree: SourceTree, options: DeployOptions): Promise<Deployment> {
    return this.#asked.upload(name, tree, options);
  }

  async rollback(name: string, release: number | undefined, options: DeployOptions): Promise<Deployment> {
    return this.#asked.rollback(name, release, options);
  }

  approve(app: string, deployment: number | undefined): Deployment {
    return this.deployment(this.#scheduler.approve(this.#registry.get(app).name, deployment));
  }

  reject(app: string, deployment: number | undefined): Deployment {
    return this.deployment(this.#scheduler.reject(this.#registry.get(app).name, deployment));
  }

  async promote(app: string, deployment: number | undefined): Promise<Deployment> {
    this.#requireCluster("promote", app);
    return this.deployment(await this.#scheduler.promote(this.#registry.get(app).name, deployment));
  }

  rejectCanaries(app: string, deployment: number | undefined): Deployment {
    this.#requireCluster("reject the canaries of", app);
    return this.deployment(this.#scheduler.rejectCanaries(this.#registry.get(app).name, deployment));
  }

  pause(app: string, reason: string | null): App {
    const since = this.#registry.get(app).paused?.since ?? this.#dependencies.clock.now();
    return this.#setPaused(app, { since, reason });
  }

  resume(app: string): App {
    this.#registry.get(app);
    return this.#setPaused(app, null);
  }

  deployment(id: number): Deployment {
    const deployment = this.#journal.get(id);
    if (deployment === undefined) {
      throw new SteppeError("DEPLOYMENT_NOT_FOUND", {
        operation: "find",
        subject: `deployment ${id}`,
        cause: "there is no such deployment",
      });
    }
    return deployment;
  }

  deployments(app: string, limit: number): Deployment[] {
    this.#registry.get(app);
    return this.#journal.table.ofApp(app, limit);
  }

  releases(name: string): Release[] {
    const { liveRelease } = this.#registry.get(name);
    const rows = new ReleaseTable(this.#dependencies.store).ofApp(name);
    return rows.map((row) => ({ ...row, live: row.number === liveRelease }));
  }

  events(id: number, signal: AbortSignal): AsyncIterable<DeploymentEvent> {
    this.deployment(id);
    return this.#journal.follow(id, signal);
  }

  buildLog(id: number): string | null {
    return this.#dependencies.content.buildLog(this.deployment(id).id);
  }

  async purge(app: string): Promise<void> {
    this.#registry.get(app);
    await this.#dependencies.engine.purge(app);
  }

  collectGarbage(): Promise<GarbageReport> {
    return this.#housekeeping.collect();
  }

  #toApp({ name, definition, liveRelease, pushToken, createdAt, updatedAt, paused }: AppRow): App {
    const tagsUnread = this.#dependencies.remotes.trouble(name) ?? this.#images.trouble(name);
    return { definition, liveRelease, pushToken, createdAt, updatedAt, tagsUnread, paused };
  }

  /** Only there is anything beside what serves. */
  #requireCluster(operation: string, app: string): void {
    if (this.#dependencies.engine.promote !== undefined) return;
    throw new SteppeError("CLUSTER_MISSING", { operation, subject: app, cause: "this server has no cluster" });
  }

  #setPaused(app: string, paused: AppRow["paused"]): App {
    new AppTable(this.#dependencies.store).setPaused(app, paused);
    this.#scheduler.kick(app);
    return this.app(app);
  }

  /** Makes a new app ready for its first tag; of a remote repository the tags that are there are looked at at once. */
  async #begin(definition: AppDefinition): Promise<void> {
    const { sources, remotes } = this.#dependencies;
    // To most of those with images from elsewhere nobody ever pushes; if somebody does, it is made then.
    if (definition.image === null || definition.repository !== null) await sources.ensure(definition.name);
    remotes.watch(definition);
    if (definition.repository !== null) void this.#refs.lookUnasked(definition.name);
    if (definition.image !== null) void this.#images.lookUnasked(definition.name);
  }

  /** Journals what a changed definition asks for. */
  #ask(before: AppRow, after: AppDefinition, requestId: string): Asked {
    const { store, isCluster } = this.#dependencies;
    const { name: app } = after;
    const wanted = redeployment(before, after, { store, isCluster, journal: this.#journal });
    if (wanted === undefined) return { app, id: undefined, isNew: false };
    if (!("kind" in wanted)) return { app, id: wanted.id, isNew: false };
    return { app, id: this.#scheduler.insertAsked(app, wanted, { requestId }), isNew: true };
  }

  /** Begins what was journaled, when its turn comes. */
  #begun({ app, id, isNew }: Asked): Deployment[] {
    if (id !== undefined && isNew) return [this.#scheduler.announce(id, { sparesHeld: true })];
    this.#scheduler.kick(app); // what held a deployment may not any more
    return id === undefined ? [] : [this.deployment(id)];
  }
}
