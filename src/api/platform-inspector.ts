import { readFileSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../shared/clock.ts";
import { errno } from "../shared/errors.ts";
import type { PlatformAddresses, PlatformStatus, ProcessStatus } from "./types.ts";

/** For so long a measurement of the disk is good, milliseconds: looking at every file takes a while. */
const DISK_MS = 30_000;

export interface InspectorOptions {
  version: string;
  engine: PlatformStatus["engine"];
  /** Where things are; `root` and folders of the data folder. */
  paths: { root: string; packs: string; images: string; oci: string; repositories: string };
  addresses(): PlatformAddresses;
  /** When control started, milliseconds since 1970. */
  startedAt: number;
  /** The ingress processes that live. */
  ingress(): Promise<Array<{ pid: number; startedAt: number }>> | Array<{ pid: number; startedAt: number }>;
  clock: Clock;
}

/** Finds out how the platform is: its processes, their memory, its disk. */
export class PlatformInspector {
  readonly #options: InspectorOptions;
  #disk: { at: number; usage: Promise<PlatformStatus["disk"]> } | undefined;

  constructor(options: InspectorOptions) {
    this.#options = options;
  }

  async status(): Promise<Omit<PlatformStatus, "apps">> {
    const { version, engine, addresses, paths, startedAt, ingress } = this.#options;
    const control: ProcessStatus = { kind: "control", pid: process.pid, memory: memoryOf(process.pid), startedAt };
    const processes = (await ingress()).map(({ pid, startedAt }): ProcessStatus => {
      return { kind: "ingress", pid, memory: memoryOf(pid), startedAt };
    });
    return {
      version,
      engine,
      processes: [control, ...processes],
      addresses: addresses(),
      dataFolder: paths.root,
      disk: await this.#diskUsage(),
    };
  }

  #diskUsage(): Promise<PlatformStatus["disk"]> {
    const now = this.#options.clock.monotonic();
    if (this.#disk === undefined || now - this.#disk.at > DISK_MS) {
      const usage = this.#measureDisk();
      this.#disk = { at: now, usage };
      usage.catch(() => (this.#disk = undefined));
    }
    return this.#disk.usage;
  }

  async #measureDisk(): Promise<PlatformStatus["disk"]> {
    const { root, packs, images, oci, repositories } = this.#options.paths;
    const seen = new Set<string>();
    let files = 0;
    for (const folder of [packs, images, oci]) files += await bytesBelow(folder, seen);
    const inRepositories = await bytesBelow(repositories, seen);
    return { files, repositories: inRepositories, other: await bytesBelow(root, seen) };
  }
}

/** Proportional set size in bytes (https://docs.kernel.org/filesystems/proc.html), or null where it cannot be told. */
export function memoryOf(pid: number): number | null {
  try {
    const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1")) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch (error) {
    if (["ENOENT", "EACCES", "ESRCH", "EPERM"].includes(errno(error) ?? "")) return null;
    throw error;
  }
}

/** Bytes that the files below a folder take on the disk, without those seen before. */
async function bytesBelow(folder: string, seen: Set<string>): Promise<number> {
  let bytes = 0;
  const folders = [folder];
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    for (const entry of await entriesOf(current)) {
      const path = join(current, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else bytes += await bytesOf(path, seen);
    }
  }
  return bytes;
}

async function bytesOf(path: string, seen: Set<string>): Promise<number> {
  try {
    const { dev, ino, blocks } = await lstat(path);
    const file = `${dev}:${ino}`;
    if (seen.has(file)) return 0;
    seen.add(file);
    return blocks * 512;
  } catch (error) {
    if (errno(error) === "ENOENT") return 0; // removed meanwhile
    throw error;
  }
}

async function entriesOf(folder: string): Promise<import("node:fs").Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (["ENOENT", "EACCES"].includes(errno(error) ?? "")) return [];
    throw error;
  }
}
