import { isDeepStrictEqual } from "node:util";
import type { AppDefinition } from "../config/index.ts";
import { type AppRow, ReleaseTable, type Store } from "../store/index.ts";
import { imageSource } from "./image-source.ts";
import type { Journal } from "./journal.ts";
import type { Deployment, DeploymentSource } from "./types.ts";

/** In these a deployment has its release, and with it the definition of then. */
const HAS_RELEASE: ReadonlySet<Deployment["state"]> = new Set(["released", "placed", "healthy"]);

/**
 * What a changed definition asks for: the content that serves, or that is on its way to, with new routes; or that content made
 * anew. Undefined if the next deployment takes the definition up by itself; a deployment if one that waits does.
 */
export function redeployment(
  before: AppRow,
  after: AppDefinition,
  { store, journal, isCluster }: { store: Store; journal: Journal; isCluster: boolean },
): DeploymentSource | Deployment | undefined {
  // What is held may wait for long: it takes the definition up by itself, and what serves does not wait for it. Of what has failed, and is only taken away, nothing will come.
  const all = journal.table.unfinishedOf(after.name).filter(({ error }) => error === null);
  const unfinished = all.filter(({ hold, state }) => hold === null || HAS_RELEASE.has(state));
  if (!isMadeAlike(before.definition, after, isCluster)) {
    for (const { id, state } of all.filter(({ hold, source }) => hold !== null && isMade(source))) {
      if (state === "built") journal.enter(id, "queued", "is built anew when its turn comes: its definition changed");
    }
    const newest = unfinished.findLast(({ source }) => source.kind !== "definition");
    if (newest?.state === "queued" && isMade(newest.source)) return newest;
    const source = newest === undefined ? liveOrigin(before, store) : originOf(newest, store);
    if (source !== undefined) return source;
  }
  const isTaken = ({ state, source }: Deployment): boolean => HAS_RELEASE.has(state) || source.kind === "rollback";
  if (before.liveRelease === null && !unfinished.some(isTaken)) return undefined;
  return { kind: "definition" };
}

/** Whether the same image comes of two definitions. */
export function isMadeAlike(one: AppDefinition, other: AppDefinition, isCluster: boolean): boolean {
  return isDeepStrictEqual(madeOf(one, isCluster), madeOf(other, isCluster));
}

/** What of a definition an image is made by. On a cluster it holds how a site is served, too, and is in the app's repository. */
function madeOf({ folder, build, dockerfile, image, ...rest }: AppDefinition, isCluster: boolean): unknown {
  const { notFoundPage, cleanUrls, fallback, cacheControl } = rest;
  const there = isCluster ? [image?.repository, notFoundPage, cleanUrls, fallback, cacheControl] : [];
  return [folder, build, dockerfile, image?.site ?? null, ...there];
}

/** Whether the image of it is made as the definition says. */
function isMade({ kind }: DeploymentSource): boolean {
  return kind === "ref" || kind === "image";
}

function liveOrigin({ name, liveRelease }: AppRow, store: Store): DeploymentSource | undefined {
  return liveRelease === null ? undefined : releaseOrigin(name, liveRelease, store);
}

function originOf({ app, source }: Deployment, store: Store): DeploymentSource | undefined {
  if (source.kind === "ref") return { kind: "ref", ref: source.ref, commit: source.commit };
  if (source.kind === "image") return imageSource(source.reference);
  return source.kind === "rollback" ? releaseOrigin(app, source.release, store) : undefined;
}

/** Undefined for an upload: its folder is not here any more. */
function releaseOrigin(app: string, number: number, store: Store): DeploymentSource | undefined {
  const release = new ReleaseTable(store).get(app, number);
  if (release === undefined) return undefined;
  if (release.reference !== null) return imageSource(release.reference);
  if (release.ref === null || release.commit === null) return undefined;
  return { kind: "ref", ref: release.ref, commit: release.commit };
}
