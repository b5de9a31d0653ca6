import type { Store } from "./store.ts";

/** A ref as it was last seen: its full name, and the id of the object that it pointed to. */
export interface SeenRef {
  name: string;
  oid: string;
}

/**
 * The refs of an app's repository that were acted on, so that each is acted on once and a moved tag is noticed. Whoever queues
 * deployments marks refs as seen in the same transaction (`Store.transaction` nests).
 */
export class RefTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Ref name to object id. */
  all(app: string): Map<string, string> {
    const rows = this.#store.all("SELECT name, oid FROM refs WHERE app = ?", app);
    return new Map(rows.map((row) => [String(row["name"]), String(row["oid"])]));
  }

  /** Marks refs as seen at `at`, milliseconds since 1970. */
  mark(app: string, refs: Iterable<SeenRef>, at: number): void {
    this.#store.transaction(() => {
      const sql = "INSERT OR REPLACE INTO refs (app, name, oid, seen_at) VALUES (?, ?, ?, ?)";
      for (const { name, oid } of refs) this.#store.run(sql, app, name, oid, at);
    });
  }

  /** Forgets refs that are gone from the repository: pushed again, they are new. */
  forget(app: string, names: Iterable<string>): void {
    this.#store.transaction(() => {
      for (const name of names) this.#store.run("DELETE FROM refs WHERE app = ? AND name = ?", app, name);
    });
  }
}
