import type { ReleaseSpec } from "../engines/engine.ts";
import { AppTable, ReleaseTable, type ReleaseRow } from "../store/index.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { releasesInGrace } from "./grace.ts";
import type { Journal } from "./journal.ts";
import { releaseSpec } from "./release-spec.ts";
import type { Deployment, GarbageReport } from "./types.ts";

/** How many finished deployments of an app are remembered besides those of kept releases. */
const DEPLOYMENTS_KEPT = 100;

/** What came of pruning an app. */
export interface PruneReport {
  /** How many releases were forgotten. */
  releases: number;
  /** When the next of those that are kept for their grace time alone may go, milliseconds since 1970. */
  again: number | null;
}

/**
 * Which releases are kept: the newest so many of each app by its definition, the one that serves, those whose hash-named files are
 * still promised, and whatever an unfinished deployment is about. Everything else of a release goes with its row.
 */
export class Retention {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;

  constructor(dependencies: DeployerDependencies, journal: Journal) {
    this.#dependencies = dependencies;
    this.#journal = journal;
  }

  /** Forgets the app's releases that need not be kept, and lets the engine do so. */
  async prune(app: string): Promise<PruneReport> {
    const { store, engine, content } = this.#dependencies;
    const releases = new ReleaseTable(store);
    const { kept, gone, again } = this.#split(app);
    await engine.retain(app, kept.filter(this.#isWhole).map(releaseSpec));
    const forgotten = store.transaction(() => {
      // A rollback to one of them may have been accepted meanwhile.
      const stillGone = this.#split(app).gone.filter(({ number }) => gone.some((release) => release.number === number));
      for (const release of stillGone) releases.delete(app, release.number);
      return { releases: stillGone.length, deployments: this.#journal.table.prune(app, DEPLOYMENTS_KEPT) };
    });
    await content.removeBuildLogs(forgotten.deployments);
    return { releases: forgotten.releases, again };
  }

  /** Prunes every app and frees the content that nothing needs any more. */
  async collect(): Promise<GarbageReport> {
    const { store, engine, content } = this.#dependencies;
    let releases = 0;
    for (const app of new AppTable(store).all()) releases += (await this.prune(app.name)).releases;
    const keep = (): Set<string> => this.#neededImages();
    const freed = await content.collectGarbage(keep, () => engine.refresh(this.#allKept()));
    return { releases, ...freed };
  }

  /** What releases have, unless that is in registries, and what deployments that have no release yet are about. */
  #neededImages(): Set<string> {
    const { store, isCluster } = this.#dependencies;
    const needed = isCluster ? new Set<string>() : new ReleaseTable(store).images();
    for (const { image, source } of this.#journal.table.unfinished()) {
      if (image !== null) needed.add(image);
      if ("image" in source) needed.add(source.image);
    }
    return needed;
  }

  #split(app: string): { kept: ReleaseRow[]; gone: ReleaseRow[]; again: number | null } {
    const row = new AppTable(this.#dependencies.store).get(app);
    const all = new ReleaseTable(this.#dependencies.store).ofApp(app);
    const needed = new Set(this.#journal.table.unfinishedOf(app).flatMap(neededRelease));
    const graceMs = row?.definition.graceMs ?? 0;
    const inGrace = releasesInGrace(
      this.#journal.table.switches(app, "live"),
      (number) => all.find((release) => release.number === number)?.definition.graceMs ?? graceMs,
      this.#dependencies.clock.now(),
    );
    const isKept = (release: ReleaseRow, index: number): boolean =>
      index < (row?.definition.keepReleases ?? 0) || release.number === row?.liveRelease || needed.has(release.number);
    const forGrace = all.filter((release, index) => !isKept(release, index) && inGrace.has(release.number));
    const kept = all.filter((release, index) => isKept(release, index) || inGrace.has(release.number));
    const ends = forGrace.map(({ number }) => inGrace.get(number) ?? 0);
    return {
      kept,
      gone: all.filter((release) => !kept.includes(release)),
      again: ends.length === 0 ? null : Math.min(...ends),
    };
  }

  #allKept(): ReleaseSpec[] {
    const { store } = this.#dependencies;
    const releases = new AppTable(store).all().flatMap((app) => new ReleaseTable(store).ofApp(app.name));
    return releases.filter(this.#isWhole).map(releaseSpec);
  }

  /** A release whose content the disk lost cannot be made ready, and must not keep the others from being looked after. */
  readonly #isWhole = ({ image }: ReleaseRow): boolean => this.#dependencies.content.hasImage(image);
}

function neededRelease({ release, source }: Deployment): number[] {
  return [...(release === null ? [] : [release]), ...(source.kind === "rollback" ? [source.release] : [])];
}
