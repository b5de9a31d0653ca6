import { readFileSync } from "node:fs";

/** Clock ticks a second, the unit of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** The proportional set size of a process in bytes: its own memory, and its share of what it shares. See proc(5), smaps_rollup. */
export function pss(pid: number): number {
  const match = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(match?.[1] ?? Number.NaN) * 1024;
}

/** Seconds of processor time that a process has used, in user and kernel mode. See proc(5), stat. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Waits until the processes together use less than `share` of a core for a second, for at most `limitMs`. */
export async function untilIdle(pids: () => readonly number[], share = 0.05, limitMs = 600_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (let before = total(pids()); performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const after = total(pids());
    if (after - before < share) return;
    before = after;
  }
  throw new Error(`the processes were not idle in ${limitMs} ms`);
}

function total(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}
