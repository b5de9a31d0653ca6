import type { AppDefinition } from "../../config/index.ts";
import type { Tree } from "../../images/index.ts";
import {
  isRouteHost,
  type SiteRelease,
  type SiteState,
  type Snapshot,
  type SnapshotPublisher,
} from "../../ingress/snapshot/index.ts";
import type { Clock } from "../../shared/clock.ts";
import { SteppeError, toSteppeError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import { SerialQueue } from "../../shared/serial-queue.ts";
import type { Engine, EngineContext, Instance, ReleaseSpec } from "../engine.ts";
import { checkRelease } from "./check-release.ts";
import { compileSiteIndex, type FileLocator } from "./compile-site-index.ts";
import { SiteIndexFiles } from "./site-index-files.ts";
import { addRoutes, dropRoutes, stateOf } from "./snapshot-changes.ts";

/** So many things that were not understood in `_headers` and `_redirects` are told one by one. */
const MOST_NOTES = 20;

export interface LocalEngineOptions {
  /** Where contents lie. */
  files: FileLocator;
  /** The files of an image, by its digest. */
  readTree(digest: string): Promise<Tree>;
  publisher: SnapshotPublisher;
  packFolder: string;
  /** `ingress/sites/` in the data folder. */
  siteFolder: string;
  clock: Clock;
  log: Logger;
}

/** The engine of this machine. An instance of a site is its index in the ingress; the files stay where they are. */
export interface LocalEngine extends Engine {
  readonly name: "local";
  /** Files of former releases are not reachable any more. */
  purge(app: string): Promise<void>;
  /**
   * Looks up anew where the files of these releases lie, and publishes it: when compressed forms were made, and
   * after packs were compacted, before the old ones are removed. Releases that have no index are passed over.
   */
  refresh(releases: readonly ReleaseSpec[]): Promise<void>;
  /** The packs that an index on disk refers to: they must stay. */
  packsInUse(): Set<string>;
}

export function createLocalEngine(options: LocalEngineOptions): LocalEngine {
  return new SiteEngine(options);
}

class SiteEngine implements LocalEngine {
  readonly name = "local";
  readonly #options: LocalEngineOptions;
  readonly #publisher: SnapshotPublisher;
  readonly #indexes: SiteIndexFiles;
  /** By app: what builds or removes its index files runs one after another. */
  readonly #queues = new Map<string, SerialQueue>();

  constructor(options: LocalEngineOptions) {
    this.#options = options;
    this.#publisher = options.publisher;
    this.#indexes = new SiteIndexFiles(options.siteFolder, options.packFolder);
  }

  validate({ name, domains, run, compatible }: AppDefinition): void {
    const bad = domains.find((domain) => !isRouteHost(domain));
    if (bad !== undefined)
      throw new SteppeError("DOMAIN_INVALID", { operation: "route", subject: name, cause: `${bad} is no host name` });
    // All else of `run` is about instances, of which there are none here; this is about what goes live when.
    if (run.promote === "manual") {
      throw new SteppeError("CONFIG_INVALID", {
        operation: "run",
        subject: name,
        cause: "`run.promote` is `manual`, which wants a cluster",
        hint: "On this machine `approve: true` has releases wait for a person.",
      });
    }
    if (compatible !== null) {
      throw new SteppeError("CONFIG_INVALID", {
        operation: "run",
        subject: name,
        cause: "`compatible` is of a job on Nomad, and this Steppe serves sites by itself",
        hint: "Leave it out.",
      });
    }
  }

  place(release: ReleaseSpec, context: EngineContext): Promise<void> {
    const { signal } = context;
    return this.#exclusive(release.app, "place", async () => {
      const placed = await this.#ensureIndex(release, context);
      signal.throwIfAborted();
      await this.#publisher.update((draft) => {
        const state = stateOf(draft, release.app);
        if (state.current?.index === placed.index) return;
        state.staged = [...state.staged.filter((one) => one.release !== release.number), placed];
      });
    });
  }

  async awaitHealthy(release: ReleaseSpec, { signal, progress }: EngineContext): Promise<void> {
    signal.throwIfAborted();
    await checkRelease(release, this.#publisher);
    signal.throwIfAborted();
    progress(`GET ${release.definition.check.path} answers as it should`);
  }

  route(release: ReleaseSpec, context: EngineContext): Promise<void> {
    const { app, number, definition } = release;
    return this.#exclusive(app, "route", async () => {
      const placed = await this.#ensureIndex(release, context);
      const now = this.#options.clock.now();
      await this.#publisher.update((draft) => {
        const state = stateOf(draft, app);
        state.grace = graceAfter(state, number, definition.graceMs, now);
        state.current = placed;
        state.staged = state.staged.filter((one) => one.release !== number);
        addRoutes(draft, definition);
      });
    });
  }

  async retire(release: ReleaseSpec): Promise<void> {
    await this.#publisher.update((draft) => {
      const state = draft.sites.get(release.app);
      if (state !== undefined) state.staged = state.staged.filter((one) => one.release === release.number);
    });
  }

  abandon({ app, number }: ReleaseSpec): Promise<void> {
    return this.#exclusive(app, "abandon", async () => {
      const dropped =
        this.#publisher
          .current()
          .sites.get(app)
          ?.staged.filter((one) => one.release === number) ?? [];
      const snapshot = await this.#publisher.update((draft) => {
        const state = draft.sites.get(app);
        if (state === undefined) return;
        state.staged = state.staged.filter((one) => one.release !== number);
        if (state.current === null && state.staged.length === 0) draft.sites.delete(app);
      });
      const used = referred(snapshot, app);
      this.#indexes.remove(dropped.filter(({ index }) => !used.has(index)));
    });
  }

  remove(app: string): Promise<void> {
    return this.#exclusive(app, "remove", async () => {
      await this.#publisher.update((draft) => {
        dropRoutes(draft, app);
        draft.sites.delete(app);
      });
      this.#indexes.removeApp(app);
    });
  }

  async instances(app?: string): Promise<Instance[]> {
    const instances: Instance[] = [];
    for (const [name, { current, staged }] of this.#publisher.current().sites) {
      if (app !== undefined && name !== app) continue;
      if (current !== null) instances.push({ app: name, release: current.release, routed: true });
      for (const { release } of staged) instances.push({ app: name, release, routed: false });
    }
    return instances;
  }

  retain(app: string, releases: readonly ReleaseSpec[]): Promise<void> {
    return this.#exclusive(app, "retain", async () => {
      const kept = new Set<string>();
      for (const release of releases) {
        const ready = await this.#indexOfKept(release);
        if (ready !== undefined) kept.add(ready.index);
      }
      const now = this.#options.clock.now();
      const numbers = new Set(releases.map(({ number }) => number));
      const snapshot = await this.#publisher.update((draft) => {
        const state = draft.sites.get(app);
        if (state !== undefined) state.grace = state.grace.filter((one) => one.until > now && numbers.has(one.release));
      });
      this.#indexes.keepOnly(app, kept.union(referred(snapshot, app)));
    });
  }

  async purge(app: string): Promise<void> {
    await this.#publisher.update((draft) => {
      const state = draft.sites.get(app);
      if (state !== undefined) state.grace = [];
    });
  }

  async refresh(releases: readonly ReleaseSpec[]): Promise<void> {
    for (const release of releases) {
      await this.#exclusive(release.app, "refresh", () => this.#refreshOne(release));
    }
  }

  packsInUse(): Set<string> {
    return this.#indexes.packs();
  }

  async #refreshOne(release: ReleaseSpec): Promise<void> {
    const { app, number } = release;
    const names = this.#indexes.namesOf(owner(release));
    const old = names
      .map((index) => this.#indexes.load({ release: number, index }))
      .find((index) => index !== undefined);
    if (names.length === 0) return;
    const fresh = await this.#compile(release, old?.modifiedAt ?? this.#nextModifiedAt(app));
    const replace = <Kept extends SiteRelease>(one: Kept): Kept =>
      one.release === number && names.includes(one.index) ? { ...one, index: fresh.index } : one;
    await this.#publisher.update((draft) => {
      const state = draft.sites.get(app);
      if (state === undefined) return;
      state.current = state.current && replace(state.current);
      state.staged = state.staged.map(replace);
      state.grace = state.grace.map(replace);
    });
    this.#indexes.remove(names.filter((index) => index !== fresh.index).map((index) => ({ release: number, index })));
  }

  /** The release's index: the one that is there, or a new one. */
  async #ensureIndex(release: ReleaseSpec, context?: EngineContext): Promise<SiteRelease> {
    const found = this.#indexes.find(owner(release));
    if (found !== undefined) return found;
    return this.#compile(release, this.#nextModifiedAt(release.app), context);
  }

  /** The same, and undefined of a program: it was refused when it was to be placed, and its release is kept all the same. */
  async #indexOfKept(release: ReleaseSpec): Promise<SiteRelease | undefined> {
    try {
      return await this.#ensureIndex(release);
    } catch (error) {
      if (error instanceof SteppeError && error.code === "DRIVER_MISSING") return undefined;
      throw error;
    }
  }

  async #compile(release: ReleaseSpec, modifiedAt: number, context?: EngineContext): Promise<SiteRelease> {
    const { files, packFolder } = this.#options;
    const tree = await this.#options.readTree(release.image);
    const options = { definition: release.definition, modifiedAt, packFolder };
    const { index, problems } = await compileSiteIndex(tree, files, options, context?.signal);
    for (const problem of problems.slice(0, MOST_NOTES)) context?.note(problem);
    if (problems.length > MOST_NOTES) context?.note(`and ${problems.length - MOST_NOTES} more of this kind`);
    return this.#indexes.write(owner(release), index);
  }

  /** Now, but later than that of every release that visitors may know: two releases never share a date. */
  #nextModifiedAt(app: string): number {
    const state = this.#publisher.current().sites.get(app);
    const known = [...(state?.current ? [state.current] : []), ...(state?.staged ?? []), ...(state?.grace ?? [])];
    const dates = known.map((release) => this.#indexes.load(release)?.modifiedAt ?? 0);
    return Math.max(Math.floor(this.#options.clock.now() / 1000), ...dates.map((date) => date + 1));
  }

  async #exclusive<Result>(app: string, operation: string, work: () => Promise<Result>): Promise<Result> {
    let queue = this.#queues.get(app);
    if (queue === undefined) this.#queues.set(app, (queue = new SerialQueue()));
    return queue.run(async () => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof Error && error.name === "AbortError") throw error;
        throw toSteppeError(error, operation, app);
      }
    });
  }
}

function owner({ app, number, image }: ReleaseSpec) {
  return { app, number, image };
}

/** What stays reachable after a switch: what was, and the release that served. */
function graceAfter(state: SiteState, next: number, graceMs: number, now: number): SiteState["grace"] {
  if (graceMs === 0) return [];
  const before = state.grace.filter((one) => one.until > now && one.release !== next);
  const { current } = state;
  if (current === null || current.release === next) return before;
  return [{ ...current, until: now + graceMs }, ...before.filter((one) => one.release !== current.release)];
}

/** The index files of an app that the snapshot refers to. */
function referred(snapshot: Snapshot, app: string): Set<string> {
  const state = snapshot.sites.get(app);
  const releases =
    state === undefined ? [] : [...state.staged, ...state.grace, ...(state.current ? [state.current] : [])];
  return new Set(releases.map(({ index }) => index));
}
