import type { Store } from "./store.ts";

/** From so many on, all that is known of an app is read in one go: looking up each costs more. */
const MANY = 2000;
const HASH_BYTES = 32;

/**
 * Which content a git blob of an app's repository has. A blob id never changes its meaning, so what was read
 * once need not be read again for as long as the file store keeps the content.
 */
export class GitFileTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * The SHA-256 for each blob id, in the same order; undefined where it is not known, or where the file store no longer has
   * the content. 30,000 take some 40 ms.
   *
   * @param oids of one length, as a repository has them
   */
  lookup(app: string, oids: readonly Uint8Array[]): Array<Uint8Array | undefined> {
    return oids.length < MANY ? this.#lookupEach(app, oids) : this.#lookupAll(app, oids);
  }

  /** Keeps what was learned. To be called when the content is durably in the file store, not before. */
  remember(app: string, known: Iterable<{ oid: Uint8Array; hash: Uint8Array }>): void {
    this.#store.transaction(() => {
      const statement = this.#store.prepare("INSERT OR REPLACE INTO git_files (app, oid, hash) VALUES (?, ?, ?)");
      for (const { oid, hash } of known) statement.run(app, oid, hash);
    });
  }

  #lookupEach(app: string, oids: readonly Uint8Array[]): Array<Uint8Array | undefined> {
    const statement = this.#store.prepare(
      "SELECT g.hash FROM git_files g JOIN files f ON f.hash = g.hash WHERE g.app = ? AND g.oid = ?",
    );
    return oids.map((oid) => statement.get(app, oid)?.["hash"] as Uint8Array | undefined);
  }

  /** As one text from SQLite: 30,000 rows one by one would cost four times as much as the query. */
  #lookupAll(app: string, oids: readonly Uint8Array[]): Array<Uint8Array | undefined> {
    const length = oids[0]?.length ?? 0;
    const row = this.#store.get(
      `SELECT coalesce(group_concat(hex(g.oid) || hex(g.hash), ''), '') AS pairs
       FROM git_files g CROSS JOIN files f ON f.hash = g.hash WHERE g.app = ? AND length(g.oid) = ?`,
      app,
      length,
    );
    const pairs = Buffer.from(String(row?.["pairs"]), "hex");
    const places = new Map<string, number>();
    for (let at = 0; at < pairs.length; at += length + HASH_BYTES) {
      places.set(pairs.toString("latin1", at, at + length), at + length);
    }
    return oids.map((oid) => {
      const at = places.get(Buffer.from(oid.buffer, oid.byteOffset, oid.byteLength).toString("latin1"));
      return at === undefined ? undefined : pairs.subarray(at, at + HASH_BYTES);
    });
  }
}
