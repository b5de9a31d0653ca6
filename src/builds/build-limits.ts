import { readFileSync } from "node:fs";

/** Processes and threads of a build at once. Node has a dozen threads, and a package manager starts a few of it; a fork bomb ends here. */
const MOST_PROCESSES = 4096;
/** Bytes of one file that a build writes, holes counted. */
const LARGEST_FILE = 8 * 1024 ** 3;

/**
 * The program that bounds what a build may take, and what runs under it; see prlimit(1). Before bubblewrap or `setpriv` nobody else would
 * be bounded; in here the kernel counts those of the build's own user, or of its user namespace.
 *
 * @param limits what the kernel says of this process: nobody but root may have more than that
 */
export function bounded(program: readonly string[], limits = readFileSync("/proc/self/limits", "utf8")): string[] {
  const processes = Math.min(MOST_PROCESSES, hardLimit(limits, "Max processes"));
  const fileSize = Math.min(LARGEST_FILE, hardLimit(limits, "Max file size"));
  return ["prlimit", `--nproc=${processes}`, `--fsize=${fileSize}`, "--core=0", "--", ...program];
}

function hardLimit(limits: string, name: string): number {
  const value = limits
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.slice(name.length)
    .trim()
    .split(/\s+/)[1];
  return value === undefined || value === "unlimited" ? Infinity : Number(value);
}
