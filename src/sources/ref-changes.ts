import type { Ref } from "./refs.ts";

/** What happened to a repository since its refs were last seen. */
export interface RefChanges {
  /** Every tag and branch as it is now. */
  current: Ref[];
  /** Those that were not there. */
  added: Ref[];
  /** Those that point elsewhere now; `from` is the object that they pointed to. */
  moved: Array<Ref & { from: string }>;
  /** The names of those that are gone. */
  deleted: string[];
}

/**
 * Compares a repository's refs with those that were seen.
 *
 * @param seen full ref name to object id, from the store
 */
export function compareRefs(current: readonly Ref[], seen: ReadonlyMap<string, string>): RefChanges {
  const names = new Set(current.map((ref) => ref.name));
  return {
    current: [...current],
    added: current.filter((ref) => !seen.has(ref.name)),
    moved: current.flatMap((ref) => {
      const from = seen.get(ref.name);
      return from === undefined || from === ref.oid ? [] : [{ ...ref, from }];
    }),
    deleted: [...seen.keys()].filter((name) => !names.has(name)),
  };
}
