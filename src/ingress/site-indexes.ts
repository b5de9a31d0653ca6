import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CoreHost, SiteHandle } from "../site-server/index.ts";

/** A site index in the core's memory. */
interface Loaded {
  site: SiteHandle;
  /** It was asked for since it was last looked at whether it may go. */
  wasUsed: boolean;
}

/**
 * The site indexes in memory, of bounded size: each is loaded when it is first asked for, by one read, and those go first that nobody asked
 * for since the last time round. Files are never changed in place, so a file's name says all.
 */
export class SiteIndexes {
  readonly #folder: string;
  readonly #core: CoreHost;
  readonly #mostBytes: number;
  readonly #onUnload: () => void;
  readonly #loaded = new Map<string, Loaded>();
  #bytes = 0;

  /** @param onUnload a site was unloaded: what is remembered of its addresses is to be forgotten */
  constructor(folder: string, core: CoreHost, mostBytes: number, onUnload: () => void) {
    this.#folder = folder;
    this.#core = core;
    this.#mostBytes = mostBytes;
    this.#onUnload = onUnload;
  }

  /** A site that can be answered from until the next call. Throws ENOENT, or CONTENT_CORRUPT. */
  get(file: string): SiteHandle {
    const loaded = this.#loaded.get(file);
    if (loaded === undefined) return this.#load(file);
    loaded.wasUsed = true;
    return loaded.site;
  }

  /** Forgets those that nothing refers to any more. */
  keepOnly(files: ReadonlySet<string>): void {
    for (const [file, loaded] of this.#loaded) if (!files.has(file)) this.#unload(file, loaded);
  }

  #load(file: string): SiteHandle {
    const path = join(this.#folder, file);
    const bytes = readFileSync(path);
    this.#makeRoom(bytes.length);
    const site = this.#core.load(bytes, path);
    this.#loaded.set(file, { site, wasUsed: false });
    this.#bytes += bytes.length;
    return site;
  }

  #makeRoom(bytes: number): void {
    for (const [file, loaded] of this.#loaded) {
      if (this.#bytes + bytes <= this.#mostBytes) return;
      if (loaded.wasUsed) {
        loaded.wasUsed = false;
        this.#loaded.delete(file);
        this.#loaded.set(file, loaded); // another round; a Map keeps the order of insertion
      } else {
        this.#unload(file, loaded);
      }
    }
  }

  #unload(file: string, { site }: Loaded): void {
    this.#loaded.delete(file);
    this.#bytes -= this.#core.sizeOf(site);
    this.#core.unload(site);
    this.#onUnload();
  }
}
