import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../shared/atomic-file.ts";
import { errno } from "../../shared/errors.ts";

/** What builds of one app keep with a tool, so that the next one is faster. */
export interface CacheRecord {
  /** When the app was built last, in milliseconds since 1970. */
  builtAt: number;
  /** Ids of images that the newest build made or used, and that the newest that succeeded did. */
  images: string[];
  goodImages: string[];
  /** Ids of records of BuildKit's cache that builds of the app made, and that are there still. */
  records: string[];
  /** When the newest build began, and between when and when the newest that succeeded ran: times of the daemon, as it says them. */
  newest: string;
  good: { from: string; to: string };
  /** What there was before the build that is under way, or that was killed; null if there is none. */
  begun: BegunRecord | null;
}

/** What Docker held before a build. */
export interface BegunRecord {
  /** Ids of records of BuildKit's cache. */
  records: string[];
  /** The latest use of that cache, by the daemon's clock. */
  lastUsed: string;
}

/** An app that was not built for so long begins anew. Milliseconds: two weeks, since weekly builds are to be fast. */
export const OLDEST_CACHE = 14 * 24 * 3600 * 1000;
/**
 * Bytes of all that is kept for builds, with each tool; the apps that were built longest ago lose theirs first. So much holds the newest
 * build of some dozens of apps, and a small server's disk holds it.
 */
export const LARGEST_CACHE = 10 * 1000 ** 3;

const ENDING = ".json";

/** What is kept of each app, a file each; losing one costs time and nothing else. */
export class CacheLedger {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(app: string): Promise<CacheRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#path(app), "utf8")) as Omit<CacheRecord, "begun">;
      return { begun: null, ...record }; // there were records without
    } catch (error) {
      if (errno(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async set(app: string, record: CacheRecord): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(this.#path(app), JSON.stringify(record));
  }

  async delete(app: string): Promise<void> {
    await rm(this.#path(app), { force: true });
  }

  /** Of all apps, those that were built last first. */
  async all(): Promise<Array<[app: string, record: CacheRecord]>> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (errno(error) === "ENOENT") return [];
      throw error;
    });
    const found: Array<[string, CacheRecord]> = [];
    for (const name of names.filter((one) => one.endsWith(ENDING))) {
      const app = name.slice(0, -ENDING.length);
      const record = await this.get(app);
      if (record !== undefined) found.push([app, record]);
    }
    return found.sort(([, a], [, b]) => b.builtAt - a.builtAt);
  }

  #path(app: string): string {
    return join(this.#folder, app + ENDING);
  }
}
