import { readFileSync } from "node:fs";

/** Descriptors for files that are sent, the store, logs and control. */
const RESERVED = 384;
const LEAST = 16;

/**
 * How many connections each of two listeners may have, so that no descriptor is wanting for the files that they ask for: when there are none, the system
 * turns connections away without a word, and answers fail.
 *
 * @param limits the text of Linux's /proc/self/limits
 * @returns Infinity if there is no limit, or none can be seen
 */
export function connectionRoom(limits: string = ownLimits()): number {
  return Math.max(LEAST, Math.floor((openFileLimit(limits) - RESERVED) / 2));
}

/** How many descriptors a process may have. @param limits as of `connectionRoom` @returns Infinity likewise */
export function openFileLimit(limits: string = ownLimits()): number {
  const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? Infinity : Number(soft);
}

function ownLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "latin1");
  } catch {
    return ""; // no Linux, or /proc is not there: then the configured limit alone holds
  }
}
