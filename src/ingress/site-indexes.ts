import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SiteIndex } from "./snapshot/index.ts";

/**
 * The site indexes in memory, of bounded size: each is loaded when it is first asked for, by one read, and the least
 * recently used go first. Files are never changed in place, so a file's name says all.
 */
export class SiteIndexes {
  readonly #folder: string;
  readonly #mostBytes: number;
  readonly #loaded = new Map<string, SiteIndex>();
  #bytes = 0;

  constructor(folder: string, mostBytes: number) {
    this.#folder = folder;
    this.#mostBytes = mostBytes;
  }

  /** Throws ENOENT, or CONTENT_CORRUPT. */
  get(file: string): SiteIndex {
    let index = this.#loaded.get(file);
    if (index === undefined) {
      const path = join(this.#folder, file);
      index = SiteIndex.load(readFileSync(path), path);
      this.#bytes += index.byteLength;
    } else {
      this.#loaded.delete(file); // and to the end again: a Map keeps the order of insertion
    }
    this.#loaded.set(file, index);
    for (const [oldest, old] of this.#loaded) {
      if (this.#bytes <= this.#mostBytes || oldest === file) break;
      this.#forget(oldest, old);
    }
    return index;
  }

  /** Forgets those that nothing refers to any more. */
  keepOnly(files: ReadonlySet<string>): void {
    for (const [file, index] of this.#loaded) if (!files.has(file)) this.#forget(file, index);
  }

  #forget(file: string, index: SiteIndex): void {
    this.#loaded.delete(file);
    this.#bytes -= index.byteLength;
  }
}
