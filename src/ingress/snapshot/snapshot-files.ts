import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../../shared/atomic-file.ts";
import { errno } from "../../shared/errors.ts";
import { encodeSnapshot, parseSnapshot } from "./parse-snapshot.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";

/** What was read, and what was wrong with a file that could not be. */
export interface LoadedSnapshot {
  snapshot: Snapshot;
  /** The newest file that was found damaged, if any: the one before it is used. */
  damage: Error | undefined;
}

/**
 * The snapshot on disk: `snapshot.json`, the one before it in `snapshot.json.previous`, and while a change is on its way, the
 * one to come in `snapshot.json.next`.
 */
export class SnapshotFiles {
  readonly #current: string;
  readonly #previous: string;
  readonly #next: string;
  readonly #folder: string;

  /** @param folder `ingress/` in the data folder */
  constructor(folder: string) {
    this.#folder = folder;
    this.#current = join(folder, "snapshot.json");
    this.#previous = `${this.#current}.previous`;
    this.#next = `${this.#current}.next`;
  }

  /** The newest snapshot that is whole; an empty one if there is none. */
  load(): LoadedSnapshot {
    let damage: Error | undefined;
    for (const path of [this.#current, this.#previous]) {
      try {
        return { snapshot: parseSnapshot(readFileSync(path, "utf8"), path), damage };
      } catch (error) {
        if (errno(error) === "ENOENT") continue;
        damage ??= error instanceof Error ? error : new Error(String(error));
      }
    }
    return { snapshot: emptySnapshot(), damage };
  }

  /** Writes the snapshot that is to come. Nobody starts from it before `commit`. */
  writeNext(snapshot: Snapshot): void {
    const fd = openSync(this.#next, "w", 0o600);
    try {
      writeFileSync(fd, encodeSnapshot(snapshot));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Throws CONTENT_CORRUPT. */
  readNext(): Snapshot {
    return parseSnapshot(readFileSync(this.#next, "utf8"), this.#next);
  }

  /** The one to come becomes the current one, in one durable step. */
  commit(): void {
    const link = `${this.#previous}.tmp`;
    rmSync(link, { force: true });
    try {
      linkSync(this.#current, link);
      renameSync(link, this.#previous);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error; // there is none yet
    }
    renameSync(this.#next, this.#current);
    syncFolder(this.#folder);
  }

  discardNext(): void {
    rmSync(this.#next, { force: true });
  }
}
