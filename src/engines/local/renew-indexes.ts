import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Tree } from "../../images/index.ts";
import {
  isSiteIndexOfThisVersion,
  SITE_HEADER,
  type SiteRelease,
  SnapshotFiles,
} from "../../ingress/snapshot/index.ts";
import type { Clock } from "../../shared/clock.ts";
import { errno } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import type { ReleaseSpec } from "../engine.ts";
import { compileSiteIndex, type FileLocator } from "./compile-site-index.ts";
import { SiteIndexFiles } from "./site-index-files.ts";

/** Where the ingress's things lie. */
export interface IndexFolders {
  /** That of the snapshot. */
  ingress: string;
  /** That of the site indexes. */
  sites: string;
  packs: string;
}

export interface RenewOptions {
  folders: IndexFolders;
  files: FileLocator;
  /** The files of an image, by its digest. */
  readTree(digest: string): Promise<Tree>;
  /** Undefined if the store does not know the release. */
  releaseOf(app: string, number: number): ReleaseSpec | undefined;
  clock: Clock;
  log: Logger;
}

/** Whether the ingress's snapshot on disk refers to site indexes of another version: another version of Steppe made them. */
export function hasOutdatedIndexes({ ingress, sites }: IndexFolders): boolean {
  const { snapshot } = new SnapshotFiles(ingress).load();
  return [...snapshot.sites.values()].some(({ current, staged, grace }) =>
    [...(current ? [current] : []), ...staged, ...grace].some(({ index }) => isOutdated(join(sites, index))),
  );
}

/**
 * Makes the indexes anew that `hasOutdatedIndexes` tells of, and has the snapshot on disk refer to them, before an ingress of this version starts
 * from it. The old files stay for processes that still answer from them; the snapshot keeps its generation, so that these do not read it. A
 * release with which it fails is logged, and is not served until it is deployed again; the others are.
 */
export async function renewIndexes(options: RenewOptions): Promise<void> {
  const { folders, clock, log } = options;
  const snapshots = new SnapshotFiles(folders.ingress);
  const { snapshot } = snapshots.load();
  const indexes = new SiteIndexFiles(folders.sites, folders.packs);
  // Two releases never share a date.
  let modifiedAt = Math.floor(clock.now() / 1000);
  for (const [app, { current, staged, grace }] of snapshot.sites) {
    const releases = [...(current ? [current] : []), ...staged, ...grace];
    const outdated = releases.filter(({ index }) => isOutdated(join(folders.sites, index)));
    for (const release of outdated.toSorted((a, b) => a.release - b.release)) {
      try {
        await renew(release, app, modifiedAt++, options, indexes);
      } catch (error) {
        log.error({ err: error, app, release: release.release }, "a site index cannot be made anew");
      }
    }
  }
  snapshots.writeNext(snapshot);
  snapshots.commit();
  log.info({ generation: snapshot.generation }, "site indexes of another version were made anew");
}

async function renew(
  release: SiteRelease,
  app: string,
  modifiedAt: number,
  { folders, files, readTree, releaseOf }: RenewOptions,
  indexes: SiteIndexFiles,
): Promise<void> {
  const spec = releaseOf(app, release.release);
  if (spec === undefined) throw new Error("the store does not know the release");
  const tree = await readTree(spec.image);
  const { definition } = spec;
  const { index } = await compileSiteIndex(tree, files, { definition, modifiedAt, packFolder: folders.packs });
  release.index = indexes.write({ app, number: spec.number, image: spec.image }, index).index;
}

/** Of what is not there, or cannot be read, others tell. */
function isOutdated(path: string): boolean {
  const begin = Buffer.alloc(SITE_HEADER);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
  try {
    return !isSiteIndexOfThisVersion(begin.subarray(0, readSync(fd, begin, 0, begin.length, 0)));
  } finally {
    closeSync(fd);
  }
}
