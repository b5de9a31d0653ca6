import type { Store } from "./store.ts";

/**
 * Which content a git blob of an app's repository has. A blob id never changes its meaning, so what was read
 * once need not be read again for as long as the file store keeps the content.
 */
export class GitFileTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The SHA-256 for each blob id, in the same order; undefined where it is not known. */
  lookup(app: string, oids: readonly Uint8Array[]): Array<Uint8Array | undefined> {
    const statement = this.#store.prepare("SELECT hash FROM git_files WHERE app = ? AND oid = ?");
    return oids.map((oid) => statement.get(app, oid)?.["hash"] as Uint8Array | undefined);
  }

  /** Keeps what was learned. To be called when the content is durably in the file store, not before. */
  remember(app: string, known: Iterable<{ oid: Uint8Array; hash: Uint8Array }>): void {
    this.#store.transaction(() => {
      const statement = this.#store.prepare("INSERT OR REPLACE INTO git_files (app, oid, hash) VALUES (?, ?, ?)");
      for (const { oid, hash } of known) statement.run(app, oid, hash);
    });
  }

  /** Forgets blobs whose content the file store no longer has. Returns how many. */
  forgetOrphans(): number {
    return this.#store.run("DELETE FROM git_files WHERE hash NOT IN (SELECT hash FROM files)").changes;
  }
}
