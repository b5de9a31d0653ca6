import type { AppDefinition } from "../config/index.ts";
import type { Row, Store } from "./store.ts";

export interface AppRow {
  name: string;
  definition: AppDefinition;
  liveRelease: number | null;
  pushToken: string;
  /** Since when, milliseconds since 1970, and why nothing of it goes live by itself; null if it does. */
  paused: { since: number; reason: string | null } | null;
  createdAt: number;
  updatedAt: number;
}

/** Tables `apps` and `domains`. */
export class AppTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  all(): AppRow[] {
    return this.#store.all("SELECT * FROM apps ORDER BY name").map(appRow);
  }

  get(name: string): AppRow | undefined {
    const row = this.#store.get("SELECT * FROM apps WHERE name = ?", name);
    return row === undefined ? undefined : appRow(row);
  }

  insert(definition: AppDefinition, pushToken: string, now: number): void {
    this.#store.run(
      "INSERT INTO apps (name, definition, push_token, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
      definition.name,
      JSON.stringify(definition),
      pushToken,
      now,
      now,
    );
  }

  updateDefinition(definition: AppDefinition, now: number): void {
    this.#store.run(
      "UPDATE apps SET definition = ?, updated_at = ? WHERE name = ?",
      JSON.stringify(definition),
      now,
      definition.name,
    );
  }

  setLiveRelease(name: string, release: number): void {
    this.#store.run("UPDATE apps SET live_release = ? WHERE name = ?", release, name);
  }

  setPaused(name: string, paused: AppRow["paused"]): void {
    this.#store.run(
      "UPDATE apps SET paused_at = ?, pause_reason = ? WHERE name = ?",
      paused?.since ?? null,
      paused?.reason ?? null,
      name,
    );
  }

  delete(name: string): void {
    this.#store.run("DELETE FROM apps WHERE name = ?", name);
  }

  /** The app that owns a domain, or undefined. */
  ownerOf(domain: string): string | undefined {
    const row = this.#store.get("SELECT app FROM domains WHERE domain = ?", domain);
    return row === undefined ? undefined : String(row["app"]);
  }

  /** Makes the app own exactly these domains. The caller has checked that nobody else owns one: the primary key throws. */
  setDomains(name: string, domains: Iterable<string>): void {
    this.#store.run("DELETE FROM domains WHERE app = ?", name);
    for (const domain of new Set(domains)) {
      this.#store.run("INSERT INTO domains (domain, app) VALUES (?, ?)", domain, name);
    }
  }
}

function appRow(row: Row): AppRow {
  return {
    name: String(row["name"]),
    definition: JSON.parse(String(row["definition"])) as AppDefinition,
    liveRelease: row["live_release"] === null ? null : Number(row["live_release"]),
    pushToken: String(row["push_token"]),
    paused: row["paused_at"] === null ? null : { since: Number(row["paused_at"]), reason: textOf(row["pause_reason"]) },
    createdAt: Number(row["created_at"]),
    updatedAt: Number(row["updated_at"]),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
