import type { SteppeError } from "../shared/errors.ts";
import { HostPlaces } from "../shared/host-places.ts";
import type { PollTrouble } from "../sources/index.ts";
import { AppTable, ImageTagTable, ReleaseTable } from "../store/index.ts";
import { AppLooks } from "./app-looks.ts";
import type { AppRegistry } from "./app-registry.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { EmptyRepositories } from "./empty-repositories.ts";
import { shortDigest } from "./format.ts";
import { type ImagesLook, lookAtImages } from "./image-look.ts";
import { imageSource } from "./image-source.ts";
import type { Journal } from "./journal.ts";
import { liveTag } from "./policy/live-tag.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Deployment } from "./types.ts";

/** What came of a look at an app's repository of images. */
export interface ImagesReport {
  queued: Deployment | undefined;
  /** Of each tag that was told of, and of others that changed, a line for people. */
  lines: Map<string, string>;
  /** What was told of, and is not there. */
  absent: string[];
}

/** So many repositories of one registry are looked at at once where nobody waits for it: a thousand apps may be declared together. */
const UNASKED_AT_ONCE = 16;

/** A look that waits for the one under way. */
interface Waiting {
  /** The tags that are told of. */
  wanted: Set<string>;
  /** Those of them of which it was proven who says so. */
  proven: Set<string>;
  /** Whether all that there is is to be looked at. */
  isPoll: boolean;
  report: Promise<ImagesReport>;
}

interface Parts {
  dependencies: DeployerDependencies;
  registry: AppRegistry;
  scheduler: Scheduler;
  journal: Journal;
  lifetime: AbortSignal;
}

/**
 * Looks at the repositories of images of apps, and queues what is new among their tags: what `RefWatch` is for repositories of git. Looks
 * at one app follow each other, and all that are asked for while one goes on are one.
 */
export class ImageWatch {
  readonly #parts: Parts;
  readonly #tags: ImageTagTable;
  readonly #looks: AppLooks;
  readonly #empty: EmptyRepositories;
  readonly #places = new HostPlaces(UNASKED_AT_ONCE);
  readonly #waiting = new Map<string, Waiting>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#tags = new ImageTagTable(parts.dependencies.store);
    this.#looks = new AppLooks(parts.lifetime);
    this.#empty = new EmptyRepositories(parts.dependencies.clock);
  }

  /**
   * Looks at tags of the app's repository: those that may have changed, the last one last, or with null at all. Of an app without
   * `image` nothing. Throws what registries do.
   *
   * @param isProven whether it is known who says that they may have changed
   */
  look(name: string, wanted: readonly string[] | null, requestId: string, isProven = true): Promise<ImagesReport> {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      waiting.isPoll ||= wanted === null;
      for (const tag of wanted ?? []) waiting.wanted.add(tag);
      if (isProven) for (const tag of wanted ?? []) waiting.proven.add(tag);
      return waiting.report;
    }
    const told = { wanted: new Set(wanted), proven: new Set(isProven ? wanted : []) };
    const next: Waiting = { ...told, isPoll: wanted === null, report: Promise.resolve(NOTHING) };
    this.#waiting.set(name, next);
    next.report = this.#looks.run(name, () => {
      this.#waiting.delete(name);
      return this.#look(name, next, requestId);
    });
    return next.report;
  }

  /** Nobody waits for the outcome of such a look: what goes wrong is logged; the next poll tries again. */
  async lookUnasked(name: string): Promise<void> {
    try {
      const [registry = ""] = this.#parts.registry.get(name).definition.image?.repository.split("/", 1) ?? [];
      using _ = await this.#places.acquire(registry, this.#looks.signalOf(name));
      await this.look(name, null, "poll");
    } catch (error) {
      if (this.#parts.lifetime.aborted) return;
      this.#parts.dependencies.log.error({ app: name, err: error }, "looking at the tags of the app's image failed");
    }
  }

  /** Marks what a tag stands for by a person's word, in the caller's transaction, so that no look deploys it once more. */
  markSeen(app: string, repository: string, tag: string, digest: string): void {
    const now = this.#parts.dependencies.clock.now();
    if (this.#tags.all(app, repository).get(tag)?.digest === digest) return;
    this.#tags.mark(app, repository, [{ tag, digest, createdAt: now, seenAt: now, askedAt: now }]);
  }

  /** Why there may never be anything to deploy, and since when; null if there is. */
  trouble(name: string): PollTrouble | null {
    return this.#empty.trouble(name);
  }

  /** See `AppLooks`. */
  async close(name: string, reason: SteppeError): Promise<void> {
    await this.#looks.close(name, reason);
  }

  reopen(name: string): void {
    this.#empty.forget(name);
    this.#looks.reopen(name);
  }

  async stop(): Promise<void> {
    await this.#looks.stop();
  }

  async #look(name: string, { wanted, proven, isPoll }: Waiting, requestId: string): Promise<ImagesReport> {
    const { registry: apps, dependencies } = this.#parts;
    const { definition } = apps.get(name);
    if (definition.image === null) return NOTHING;
    const { repository } = definition.image;
    using registry = await dependencies.registry.open();
    const look = await lookAtImages({
      definition,
      repository,
      known: this.#tags.all(name, repository),
      wanted,
      proven,
      isPoll,
      live: this.#live(name),
      servedSince: (digest) => this.#serving(name, digest)?.createdAt,
      registry,
      now: dependencies.clock.now(),
      signal: this.#looks.signalOf(name),
    });
    // The first tag of what is built of a repository elsewhere is pushed by us.
    this.#empty.note(name, repository, definition.repository === null ? look.nothing : null);
    const queued = this.#write(name, repository, look, requestId);
    if (look.failure !== undefined) throw look.failure; // what could be found out is acted on
    const lines = this.#describe(name, repository, look, wanted, queued);
    return { queued, lines, absent: look.absent };
  }

  /** Marks what the look saw and queues what deploys, in one transaction. */
  #write(app: string, repository: string, look: ImagesLook, requestId: string): Deployment | undefined {
    const { dependencies, registry, scheduler } = this.#parts;
    const now = dependencies.clock.now();
    const id = dependencies.store.transaction(() => {
      const { definition } = registry.get(app); // it may have been removed meanwhile
      const before = this.#tags.all(app, repository);
      // What we built meanwhile is marked already, and pushed by us.
      const changed = look.changed.filter(({ tag, digest }) => digest === null || before.get(tag)?.digest !== digest);
      this.#tags.mark(
        app,
        repository,
        changed.map((mark) => ({ ...mark, askedAt: mark.digest === null ? 0 : now })),
      );
      this.#tags.setAsked(app, repository, look.same, now);
      this.#tags.setAsked(app, repository, look.postponed, 0);
      this.#tags.setGone(app, repository, look.gone, true);
      this.#tags.setGone(app, repository, [...look.back, ...look.same], false);
      const { deploy } = look;
      if (deploy === undefined || definition.image?.repository !== repository) return undefined;
      const isOurs = !changed.some(({ tag }) => tag === deploy.tag) || this.#serving(app, deploy.digest) !== undefined;
      if (isOurs) return undefined;
      const { tag, digest, movedFrom } = deploy;
      return scheduler.insert(app, imageSource(`${repository}:${tag}@${digest}`, movedFrom), { requestId });
    });
    return id === undefined ? undefined : scheduler.announce(id);
  }

  #describe(
    app: string,
    repository: string,
    { deploy, changed, notes }: ImagesLook,
    wanted: ReadonlySet<string>,
    queued: Deployment | undefined,
  ): Map<string, string> {
    const lines = new Map(notes);
    const known = this.#tags.all(app, repository);
    for (const tag of [...wanted, ...changed.map((mark) => mark.tag)]) {
      const digest = known.get(tag)?.digest;
      if (lines.has(tag) || digest === null || digest === undefined) continue;
      lines.set(tag, `${tag} is ${shortDigest(digest)}${this.#whatIsOf(app, digest)}`);
    }
    if (deploy !== undefined && queued !== undefined) {
      const moved = deploy.movedFrom === undefined ? "" : `, moved from ${shortDigest(deploy.movedFrom)}`;
      lines.set(deploy.tag, `${deploy.tag} (${shortDigest(deploy.digest)}${moved}) is deployment ${queued.id}`);
    }
    return lines;
  }

  /** What came of an image, for people. */
  #whatIsOf(app: string, digest: string): string {
    const deployment = this.#parts.journal.table.ofImage(app, digest);
    if (deployment === undefined) return ", which is known, and was not deployed";
    const { id, state } = deployment;
    if (state === "failed") return `, which deployment ${id} failed to deploy`;
    const isLive = this.#liveRelease(app)?.deployment === id;
    if (isLive) return `, which is live by deployment ${id}`;
    return state === "live" ? `, which was live by deployment ${id}` : `: deployment ${id}, ${state}`;
  }

  /** The deployment that an image is live by or on its way by. */
  #serving(app: string, digest: string): { createdAt: number } | undefined {
    const { journal } = this.#parts;
    const live = this.#liveRelease(app);
    if (live !== undefined && (live.image === digest || live.reference?.endsWith(`@${digest}`) === true)) return live;
    return journal.table
      .unfinishedOf(app)
      .find(({ image, source }) => image === digest || (source.kind === "image" && source.digest === digest));
  }

  #live(app: string): { tag: string; at: number } | null {
    const release = this.#liveRelease(app);
    const tag = liveTag(app, this.#parts.dependencies.store);
    return release === undefined || tag === null ? null : { tag, at: release.createdAt };
  }

  #liveRelease(app: string) {
    const { store } = this.#parts.dependencies;
    const number = new AppTable(store).get(app)?.liveRelease ?? null;
    return number === null ? undefined : new ReleaseTable(store).get(app, number);
  }
}

const NOTHING: ImagesReport = { queued: undefined, lines: new Map(), absent: [] };
