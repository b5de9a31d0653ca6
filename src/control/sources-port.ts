import type { AppDefinition } from "../config/index.ts";
import type { RefsLook, SourcesPort } from "../deployer/index.ts";
import type { Clock } from "../shared/clock.ts";
import { type Ref, refsOnDisk, type Repositories, selectRef, shortName } from "../sources/index.ts";
import { RefTable, type Store } from "../store/index.ts";

interface Dependencies {
  repositories: Repositories;
  store: Store;
  clock: Clock;
  /** Address of the app's remote repository, or null. */
  originOf(app: string): string | null;
}

/** What a look saw, so that just that is marked as seen, whatever was pushed since. */
interface SeenLook extends RefsLook {
  current: readonly Ref[];
  deleted: readonly string[];
}

/** The repositories as the deployer wants them. */
export function sourcesPort({ repositories, store, clock, originOf }: Dependencies): SourcesPort {
  const seen = new RefTable(store);
  const looks = new WeakMap<RefsLook, SeenLook>();
  return {
    ensure: (app) => repositories.create(app),
    remove: (app) => repositories.remove(app),
    async fetch(app, url, signal) {
      await repositories.fetch(app, url, signal);
    },
    async look(definition, live) {
      const look = await lookAt(repositories, definition, live, seen.all(definition.name));
      looks.set(look, look);
      return look;
    },
    markSeen(app, look, ref) {
      const { current, deleted } = looks.get(look) ?? { current: [], deleted: [] };
      const isMeant = (name: string): boolean => ref === undefined || name === ref;
      seen.mark(
        app,
        current.filter(({ name }) => isMeant(name)),
        clock.now(),
      );
      seen.forget(app, deleted.filter(isMeant));
    },
    hasUnseenRefs(app) {
      const known = seen.all(app);
      return Promise.resolve([...refsOnDisk(repositories.path(app))].some(([name, oid]) => known.get(name) !== oid));
    },
    async resolve(app, ref) {
      const found = (await repositories.refs(app)).find(({ name }) => name === ref);
      return found?.commit ?? undefined;
    },
    tree: (app, commit, label) => repositories.tree(app, commit, label, originOf(app)),
    async maintain(app, signal) {
      await repositories.maintain(app, signal);
    },
    async names(app, kind) {
      const prefix = kind === "tag" ? "refs/tags/" : "refs/heads/";
      return (await repositories.refs(app))
        .filter(({ name }) => name.startsWith(prefix))
        .map(({ name }) => shortName(name));
    },
  };
}

async function lookAt(
  repositories: Repositories,
  definition: AppDefinition,
  live: string | null,
  known: Map<string, string>,
): Promise<SeenLook> {
  const changes = await repositories.changes(definition.name, known);
  const { deploy, passedOver } = await selectRef(changes, definition, live);
  // To move is what branches are for.
  const moved = changes.moved
    .filter(({ name }) => name.startsWith("refs/tags/"))
    .map(({ name, from }) => `${shortName(name)} moved: it pointed to ${from.slice(0, 9)} before`);
  return {
    deploy: deploy && {
      ref: deploy.ref.name,
      commit: deploy.commit,
      ...(deploy.movedFrom === undefined ? {} : { movedFrom: deploy.movedFrom }),
    },
    notes: [...moved, ...passedOver.map(({ reason }) => reason)],
    current: [...changes.added, ...changes.moved],
    deleted: changes.deleted,
  };
}
