import type { Deployment } from "./types.ts";

/** So many releases of an app are kept for their grace time alone: each costs the ingress an index in memory. */
const MOST_IN_GRACE = 20;

/** A deployment that went live, as the journal has it. */
export interface Switch {
  /** The release that went live. */
  release: number;
  /** Milliseconds since 1970. */
  at: number;
  noGrace: Deployment["noGrace"];
}

/**
 * The releases that were live and whose hash-named files are still promised, and until when (milliseconds since 1970).
 *
 * @param switches the newest first
 * @param graceOf the grace time that a switch to a release gives to what was live before it, milliseconds
 */
export function releasesInGrace(
  switches: readonly Switch[],
  graceOf: (release: number) => number,
  now: number,
): Map<number, number> {
  const ends = new Map<number, number>();
  for (const [index, { release, at, noGrace }] of switches.entries()) {
    const grace = noGrace ? 0 : graceOf(release);
    const before = switches[index + 1];
    if (grace === 0 || before === undefined || ends.size >= MOST_IN_GRACE) break;
    const isPromised = before.release !== release && at + grace > now;
    if (isPromised && !ends.has(before.release)) ends.set(before.release, at + grace);
  }
  return ends;
}
