import { errno } from "../../src/shared/errors.ts";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Clock ticks a second, the unit of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS = 100;

interface Mapping {
  /** The same file and place in it has the same name in every process; "" is memory without a file. */
  name: string;
  /** Bytes. */
  resident: number;
  dirty: number;
}

/**
 * The memory in bytes that these processes would take if nothing else ran on the machine: what several of them map of one file is
 * counted once, and nobody else's use of it makes it seem less, as it does in Pss. See proc(5), smaps.
 */
export function memoryTogether(pids: readonly number[]): number {
  let own = 0;
  const shared = new Map<string, number>();
  for (const pid of pids) {
    for (const { name, resident, dirty } of mappingsOf(pid)) {
      own += name === "" ? resident : dirty;
      if (name !== "") shared.set(name, Math.max(shared.get(name) ?? 0, resident - dirty));
    }
  }
  return own + shared.values().reduce((sum, bytes) => sum + bytes, 0);
}

function mappingsOf(pid: number): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const [, offset, device, inode] = /^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) (\S+) (\d+)/.exec(line) ?? [];
    if (inode !== undefined) {
      mappings.push({ name: inode === "0" ? "" : `${device}/${inode}/${offset}`, resident: 0, dirty: 0 });
    }
    const [, field, kilobytes] = /^(Rss|Private_Dirty): +(\d+) kB$/.exec(line) ?? [];
    const mapping = mappings.at(-1);
    if (mapping !== undefined && field === "Rss") mapping.resident = Number(kilobytes) * 1024;
    if (mapping !== undefined && field === "Private_Dirty") mapping.dirty = Number(kilobytes) * 1024;
  }
  return mappings;
}

/** A process and all that descend from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch (error) {
    if (hasEnded(error)) return undefined;
    throw error;
  }
}

/** Whether a file of /proc could not be read because its process is gone. */
function hasEnded(error: unknown): boolean {
  return ["ENOENT", "ESRCH"].includes(errno(error) ?? "");
}

/** Memory of processes, bytes; see proc(5), smaps_rollup. */
export interface Memory {
  /** What is resident, whoever shares it. */
  rss: number;
  /** What is shared is divided by how many share it. */
  pss: number;
  /** What nobody shares. */
  private: number;
}

/** The sum over processes; what they share among each other counts several times in `rss`. */
export function memoryOf(pids: readonly number[]): Memory {
  const sum = { rss: 0, pss: 0, private: 0 };
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const field = (name: string): number =>
      Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(rollup)?.[1] ?? 0) * 1024;
    sum.rss += field("Rss");
    sum.pss += field("Pss");
    sum.private += field("Private_Clean") + field("Private_Dirty");
  }
  return sum;
}

/** The most memory that a process had resident since it began, or since `resetMostResident`, bytes. See proc(5), status. */
export function mostResident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** See proc(5), clear_refs. */
export function resetMostResident(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Seconds of processor time that a process has used, in user and kernel mode. See proc(5), stat. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Seconds of processor time that all processes of the machine have used, on all cores. See proc(5), stat. */
export function machineSeconds(): number {
  const [, user, nice, system] = readFileSync("/proc/stat", "utf8").split(/\s+/, 4).map(Number);
  return ((user ?? 0) + (nice ?? 0) + (system ?? 0)) / TICKS;
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
