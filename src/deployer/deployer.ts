import type { SourceTree } from "../builds/index.ts";
import type { AppDefinition } from "../config/index.ts";
import { formatReference, parseReference } from "../images/index.ts";
import { nearest } from "../shared/nearest.ts";
import { SteppeError } from "../shared/errors.ts";
import { type AppRow, AppTable, ReleaseTable, SettingTable } from "../store/index.ts";
import { AppRegistry } from "./app-registry.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { EncodingMarks } from "./encoding-marks.ts";
import { HintedApps } from "./hinted-apps.ts";
import { imageSource } from "./image-source.ts";
import { ImageWatch } from "./image-watch.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Journal } from "./journal.ts";
import { liveTag } from "./policy/live-tag.ts";
import { redeployment } from "./redeployment.ts";
import { RefWatch } from "./ref-watch.ts";
import { Scheduler } from "./scheduler.ts";
import type {
  App,
  ApplyResult,
  Deployer,
  DeployOptions,
  Deployment,
  DeploymentEvent,
  GarbageReport,
  HintedImage,
  RefsReport,
  Release,
} from "./types.ts";

/** Setting key: a removal that a crash must not make us forget. */
const REMOVING = "removing:";

/** Which release goes live when. See `Deployer` for what each method does, `start` and `stop` for its life. */
export class AppDeployer implements Deployer {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #registry: AppRegistry;
  readonly #scheduler: Scheduler;
  readonly #housekeeping: Housekeeping;
  readonly #settings: SettingTable;
  readonly #refs: RefWatch;
  readonly #images: ImageWatch;
  readonly #hinted: HintedApps;
  /** By app. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #lifetime = new AbortController();

  constructor(dependencies: DeployerDependencies) {
    this.#dependencies = dependencies;
    this.#journal = new Journal(dependencies.store, dependencies.clock);
    this.#registry = new AppRegistry(dependencies);
    this.#settings = new SettingTable(dependencies.store);
    this.#housekeeping = new Housekeeping(dependencies, this.#journal, this.#lifetime.signal);
    this.#scheduler = new Scheduler(dependencies, this.#journal, (app, isLive) =>
      this.#housekeeping.deploymentEnded(app, isLive),
    );
    this.#refs = new RefWatch(dependencies, this.#registry, this.#scheduler, this.#lifetime.signal);
    this.#images = new ImageWatch({
      dependencies,
      registry: this.#registry,
      scheduler: this.#scheduler,
      journal: this.#journal,
      lifetime: this.#lifetime.signal,
    });
    this.#hinted = new HintedApps({ registry: this.#registry, refs: this.#refs, images: this.#images });
  }

  /**
   * Brings refs, journal and engine into line after whatever ended the process before: finishes removals, routes what
   * should serve and does not, takes up unfinished deployments, and begins to look at refs that nobody has seen.
   */
  async start(): Promise<void> {
    for (const app of this.#settings.keysAfter(REMOVING)) await this.#finishRemoval(app);
    const removing = this.#settings.keysAfter(REMOVING); // that could not be finished
    await this.#housekeeping.reconcileRoutes(removing);
    for (const app of new Set(this.#journal.table.unfinished().map((deployment) => deployment.app)))
      this.#scheduler.takeUp(app);
    for (const { name, definition } of this.#registry.all())
      if (!removing.includes(name)) this.#dependencies.remotes.watch(definition);
    void this.#refs.lookAtUnseen();
    this.#housekeeping.start();
  }

  /** Leaves what is on its way in the journal. */
  async stop(): Promise<void> {
    this.#lifetime.abort();
    await this.#scheduler.stop();
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

  async addApp(definition: AppDefinition): Promise<App> {
    this.#registry.add(definition);
    await this.#begin(definition);
    return this.app(definition.name);
  }

  async removeApp(name: string): Promise<void> {
    this.#registry.get(name);
    this.#settings.set(REMOVING + name, "1");
    await this.#remove(name);
  }

  async apply(
    definitions: readonly AppDefinition[],
    { dryRun, prune, requestId }: { dryRun: boolean; prune: boolean; requestId: string },
  ): Promise<ApplyResult> {
    const plan = this.#registry.plan(definitions, prune);
    if (dryRun) return { changes: plan.changes, deployments: [] };
    for (const app of plan.remove) await this.removeApp(app);
    // Anew, since others may have changed something while apps were removed.
    const { add, change } = this.#registry.planAndWrite(definitions);
    for (const { after } of change) this.#dependencies.remotes.watch(after);
    const deployments = change.flatMap(({ before, after }) => this.#redeploy(before, after, requestId));
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

  async deployRef(
    name: string,
    ref: { tag: string } | { branch: string },
    options: DeployOptions,
  ): Promise<Deployment> {
    const { definition } = this.#registry.get(name);
    const { sources, store } = this.#dependencies;
    if ("tag" in ref && ref.tag === "latest") throw latestRefused(`${name} tag latest`);
    const fullName = "tag" in ref ? `refs/tags/${ref.tag}` : `refs/heads/${ref.branch}`;
    await this.#refs.fetch(definition);
    // Not to be deployed once more by the next poll. What else came with it is that one's.
    const look = definition.repository === null ? undefined : await sources.look(definition, liveTag(name, store));
    const commit = await sources.resolve(name, fullName);
    if (commit === undefined) throw await this.#refNotFound(name, ref);
    this.#registry.get(name); // it may have been removed meanwhile
    return this.#scheduler.enqueue(name, { kind: "ref", ref: fullName, commit }, options, () => {
      if (look !== undefined) sources.markSeen(name, look, fullName);
    });
  }

  async deployImage(name: string, reference: string, options: DeployOptions): Promise<Deployment> {
    const { definition } = this.#registry.get(name);
    const parsed = parseReference(reference);
    if (parsed.tag === "latest" && parsed.digest === undefined) throw latestRefused(`${name} image ${reference}`);
    using registry = await this.#dependencies.registry.open();
    const digest = await registry.resolve(formatReference(parsed), this.#lifetime.signal);
    if (digest === undefined) throw imageNotFound(name, formatReference(parsed));
    this.#registry.get(name); // it may have been removed meanwhile
    const source = imageSource(formatReference({ ...parsed, digest }));
    const { registry: host, repository, tag } = parsed;
    const isWatched = definition.image?.repository === `${host}/${repository}`;
    return this.#scheduler.enqueue(name, source, options, () => {
      // Not to be deployed once more by the next poll; a digest that was given says nothing of the tag.
      if (isWatched && tag !== undefined && parsed.digest === undefined)
        this.#images.markSeen(name, definition.image?.repository ?? "", tag, digest);
    });
  }

  async deployUpload(name: string, tree: SourceTree, options: DeployOptions): Promise<Deployment> {
    const { definition } = this.#registry.get(name);
    const { content } = this.#dependencies;
    using _hold = content.hold();
    const image = await content.build({
      definition: { ...definition, build: null, dockerfile: null, folder: "." },
      deployment: 0,
      tree,
      label: tree.label,
      signal: this.#lifetime.signal,
      onLine() {},
      progress() {},
    });
    this.#registry.get(name); // it may have been removed meanwhile
    return this.#scheduler.enqueue(name, { kind: "upload", image: image.digest }, options);
  }

  async rollback(name: string, release: number | undefined, options: DeployOptions): Promise<Deployment> {
    const app = this.#registry.get(name);
    const target = release ?? this.#releaseBefore(app);
    if (new ReleaseTable(this.#dependencies.store).get(name, target) === undefined) {
      throw new SteppeError("RELEASE_NOT_FOUND", {
        operation: "roll back",
        subject: `${name} to release ${target}`,
        cause: "there is no such release, or it is not kept any more",
        hint: `\`steppe releases ${name}\` lists the releases that are kept.`,
      });
    }
    return this.#scheduler.enqueue(name, { kind: "rollback", release: target }, options);
  }

  approve(app: string, deployment: number | undefined): Deployment {
    return this.deployment(this.#scheduler.approve(this.#registry.get(app).name, deployment));
  }

  reject(app: string, deployment: number | undefined): Deployment {
    return this.deployment(this.#scheduler.reject(this.#registry.get(app).name, deployment));
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
    const tagsUnread = this.#dependencies.remotes.trouble(name);
    return { definition, liveRelease, pushToken, createdAt, updatedAt, tagsUnread, paused };
  }

  #setPaused(app: string, paused: AppRow["paused"]): App {
    new AppTable(this.#dependencies.store).setPaused(app, paused);
    this.#scheduler.kick(app);
    return this.app(app);
  }

  /** Makes a new app ready for its first tag; of a remote repository the tags that are there are looked at at once. */
  async #begin(definition: AppDefinition): Promise<void> {
    const { sources, remotes } = this.#dependencies;
    await sources.ensure(definition.name);
    remotes.watch(definition);
    if (definition.repository !== null) void this.#refs.lookUnasked(definition.name);
    if (definition.image !== null) void this.#images.lookUnasked(definition.name);
  }

  /** Queues what a changed definition asks for. */
  #redeploy(before: AppRow, after: AppDefinition, requestId: string): Deployment[] {
    const { store } = this.#dependencies;
    const wanted = redeployment(before, after, { store, journal: this.#journal });
    this.#scheduler.kick(after.name); // what held a deployment may not any more
    if (wanted === undefined) return [];
    return ["kind" in wanted ? this.#scheduler.enqueue(after.name, wanted, { requestId, sparesHeld: true }) : wanted];
  }

  /** One that cannot be finished now must not keep the others from running: it is tried again at the next start. */
  async #finishRemoval(name: string): Promise<void> {
    try {
      await this.#remove(name);
    } catch (error) {
      this.#dependencies.log.error({ app: name, err: error }, "the removal of an app cannot be finished");
    }
  }

  /** Who asks while it goes on waits for the same removal: by its end another app may have the name. */
  #remove(name: string): Promise<void> {
    let removal = this.#removals.get(name);
    if (removal === undefined) {
      removal = this.#removeParts(name).finally(() => this.#removals.delete(name));
      this.#removals.set(name, removal);
    }
    return removal;
  }

  /** Each part can be done again, so that a removal that was cut short is finished at the next start. */
  async #removeParts(name: string): Promise<void> {
    const { content, engine, remotes, sources, store } = this.#dependencies;
    const reason = new SteppeError("APP_NOT_FOUND", {
      operation: "deploy",
      subject: name,
      cause: "the app was removed",
    });
    await this.#scheduler.close(name, reason);
    await this.#refs.close(name, reason);
    await this.#images.close(name, reason);
    await remotes.forget(name);
    await engine.remove(name);
    await sources.remove(name);
    await content.removeBuildLogs(this.#journal.table.idsOf(name));
    await content.forgetApp(name);
    store.transaction(() => {
      new AppTable(store).delete(name);
      this.#settings.delete(`last-release:${name}`);
      new EncodingMarks(store).forget(name);
      this.#settings.delete(REMOVING + name);
    });
    this.#scheduler.reopen(name);
    this.#refs.reopen(name);
    this.#images.reopen(name);
  }

  /** The newest release before the live one that was live itself. */
  #releaseBefore({ name, liveRelease }: AppRow): number {
    const wereLive = new Set(this.#journal.table.switches(name, "live").map(({ release }) => release));
    const earlier = this.releases(name).find(({ number }) => number < (liveRelease ?? 0) && wereLive.has(number));
    if (earlier !== undefined) return earlier.number;
    throw new SteppeError("NOTHING_TO_ROLL_BACK", {
      operation: "roll back",
      subject: name,
      cause:
        liveRelease === null ? "nothing of it was live yet" : `no release before ${liveRelease} that was live is kept`,
      hint: `\`steppe releases ${name}\` lists those that are kept; \`steppe rollback ${name} RELEASE\` goes to any of them.`,
    });
  }

  async #refNotFound(name: string, ref: { tag: string } | { branch: string }): Promise<SteppeError> {
    const kind = "tag" in ref ? "tag" : "branch";
    const wanted = "tag" in ref ? ref.tag : ref.branch;
    const close = nearest(wanted, await this.#dependencies.sources.names(name, kind));
    return new SteppeError("TAG_NOT_FOUND", {
      operation: "deploy",
      subject: `${name} ${kind} ${wanted}`,
      cause: `the repository has no such ${kind}`,
      hint: close === undefined ? undefined : `Did you mean ${close}?`,
    });
  }
}

function latestRefused(subject: string): SteppeError {
  return new SteppeError("TAG_REFUSED", {
    operation: "deploy",
    subject,
    cause: "the tag `latest` never deploys: it does not say what it is",
    hint: "Use a tag that names a version, such as v2; of an image also its digest: `…:latest@sha256:…`.",
  });
}

function imageNotFound(app: string, reference: string): SteppeError {
  const subject = `${app} image ${reference}`;
  return new SteppeError("IMAGE_NOT_FOUND", { operation: "deploy", subject, cause: "the registry has no such image" });
}
