import type { Exchange } from "./cluster-recording.ts";

/** Of visits that are told the same, one is kept so often. */
const VISITS_MS = 50;

/**
 * In the order in which they began. Visitors who come in a stream are told the same again and again: of that as much is kept as shows when it was another.
 */
export function thinVisits(recorded: readonly Exchange[]): Exchange[] {
  const exchanges = recorded.toSorted((a, b) => a.from - b.from);
  const kept = new Map<string, Exchange>();
  return exchanges.filter((one, at) => {
    if (one.asked !== "visitor") return true;
    const before = kept.get(one.target);
    const next = exchanges
      .slice(at + 1, at + 50)
      .find(({ asked, target }) => asked === "visitor" && target === one.target);
    const isSame = (other: Exchange | undefined): boolean => other?.text === one.text && other.status === one.status;
    if (before !== undefined && isSame(before) && isSame(next) && one.from - before.from < VISITS_MS) return false;
    kept.set(one.target, one);
    return true;
  });
}
