import type { Store } from "./store.ts";

/** Table `settings`: single values, and marks of work that a crash must not make us forget. */
export class SettingTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get(key: string): string | undefined {
    const row = this.#store.get("SELECT value FROM settings WHERE key = ?", key);
    return row === undefined ? undefined : String(row["value"]);
  }

  set(key: string, value: string): void {
    this.#store.run("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", key, value);
  }

  delete(key: string): void {
    this.#store.run("DELETE FROM settings WHERE key = ?", key);
  }

  /** The rest of each key that begins with `prefix`, in order. */
  keysAfter(prefix: string): string[] {
    return this.#store
      .all("SELECT key FROM settings WHERE substr(key, 1, ?) = ? ORDER BY key", prefix.length, prefix)
      .map((row) => String(row["key"]).slice(prefix.length));
  }
}
