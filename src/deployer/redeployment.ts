import { isDeepStrictEqual } from "node:util";
import type { AppDefinition } from "../config/index.ts";
import { type AppRow, ReleaseTable, type Store } from "../store/index.ts";
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
  { store, journal }: { store: Store; journal: Journal },
): DeploymentSource | Deployment | undefined {
  // What is held may wait for long: it takes the definition up by itself, and what serves does not wait for it.
  const all = journal.table.unfinishedOf(after.name);
  const unfinished = all.filter(({ hold }) => hold === null);
  const made = ({ folder, build, dockerfile, image }: AppDefinition): unknown => [
    folder,
    build,
    dockerfile,
    image?.site,
  ];
  if (!isDeepStrictEqual(made(before.definition), made(after))) {
    for (const { id, state } of all.filter(({ hold, source }) => hold !== null && source.kind === "ref")) {
      if (state === "built") journal.enter(id, "queued", "is built anew when its turn comes: its definition changed");
    }
    const newest = unfinished.findLast(({ source }) => source.kind !== "definition");
    if (newest?.state === "queued" && newest.source.kind === "ref") return newest;
    const source = newest === undefined ? liveRef(before, store) : refOf(newest, store);
    if (source !== undefined) return source;
  }
  const isTaken = ({ state, source }: Deployment): boolean => HAS_RELEASE.has(state) || source.kind === "rollback";
  if (before.liveRelease === null && !unfinished.some(isTaken)) return undefined;
  return { kind: "definition" };
}

function liveRef({ name, liveRelease }: AppRow, store: Store): DeploymentSource | undefined {
  return liveRelease === null ? undefined : releaseRef(name, liveRelease, store);
}

function refOf({ app, source }: Deployment, store: Store): DeploymentSource | undefined {
  if (source.kind === "ref") return { kind: "ref", ref: source.ref, commit: source.commit };
  return source.kind === "rollback" ? releaseRef(app, source.release, store) : undefined;
}

/** Undefined for an upload: its folder is not here any more. */
function releaseRef(app: string, number: number, store: Store): DeploymentSource | undefined {
  const release = new ReleaseTable(store).get(app, number);
  if (release === undefined || release.ref === null || release.commit === null) return undefined;
  return { kind: "ref", ref: release.ref, commit: release.commit };
}
