import type { Clock } from "../shared/clock.ts";
import type { FolderSite } from "./folder-site.ts";

/** Between one look at the folder and the next, milliseconds: whoever writes a thousand files should not have a thousand looks. */
const PAUSE_MS = 200;

export interface FolderLooksOptions {
  /** Looks at the folder. */
  open: () => Promise<FolderSite>;
  clock: Clock;
  /** Another site has taken the place of the one before. */
  onChange: (site: FolderSite) => void;
  /** The folder cannot be read; what it was goes on to be served. */
  onTrouble: (error: unknown) => void;
}

/** The site that a folder was when it was looked at last, and further looks at it, one at a time. */
export class FolderLooks implements Disposable {
  readonly #options: FolderLooksOptions;
  #site: FolderSite;
  #isDisposed = false;
  /** The look that goes on, and the one after it. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #endedAt = -Infinity;

  constructor(site: FolderSite, options: FolderLooksOptions) {
    this.#site = site;
    this.#options = options;
  }

  get site(): FolderSite {
    return this.#site;
  }

  /**
   * Looks again: at once, or if that was done just now, a moment later. Resolves when a look has ended that began after this was called, whether it went well or
   * not; a look that goes on already may have passed what has changed.
   */
  again(): Promise<void> {
    this.#next ??= this.#lookInTurn();
    return this.#next;
  }

  /** Gives the site back; it must not be used any more. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#site[Symbol.dispose]();
  }

  async #lookInTurn(): Promise<void> {
    const { clock } = this.#options;
    await this.#running;
    const early = this.#endedAt + PAUSE_MS - clock.monotonic();
    if (early > 0) await clock.sleep(early, { unref: true });
    this.#next = undefined;
    this.#running = this.#look();
    await this.#running;
  }

  async #look(): Promise<void> {
    const { open, clock, onChange, onTrouble } = this.#options;
    try {
      if (this.#isDisposed) return;
      const next = await open();
      if (this.#isDisposed) {
        next[Symbol.dispose]();
        return;
      }
      this.#site[Symbol.dispose]();
      this.#site = next;
      onChange(next);
    } catch (error) {
      onTrouble(error);
    } finally {
      this.#endedAt = clock.monotonic();
    }
  }
}
