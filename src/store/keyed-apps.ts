import type { Row, Store } from "./store.ts";

/** A release whose tag was written into a key. */
export interface KeyedWrite {
  release: number;
  /** `sha256:…` */
  image: string;
  key: string;
  tag: string;
}

/** Of instances, by their ids: of each task when it was started last, and when something last happened to it, milliseconds since 1970 by its node's clock. */
export type KeyedStarts = Record<string, Record<string, { startedAt: number | null; lastEventAt: number }>>;

/** What a deployment is about to write, or wrote; with what it needs to go on after a crash, or to go back. */
export interface KeyedAttempt extends KeyedWrite {
  /** `placed`: nothing is written yet. `written`: it is, or may be. `undone`: what was there before is there again, or nothing was changed. */
  stage: "placed" | "written" | "undone";
  /** What the key held before; null if there was none. */
  former: string | null;
  /** The instances as they were before, and how many there should be. */
  starts: KeyedStarts;
  expected: number;
  /** What a deployment before wrote and could not take back, and what there was before that: nothing to go back to. */
  left: { tag: string; former: string | null } | null;
  /** Why it failed; null while it has not. */
  failure: { code: "CHECK_FAILED" | "INSTANCE_FAILED"; cause: string; hint?: string } | null;
}

export interface KeyedAppRow {
  live: KeyedWrite | null;
  attempt: KeyedAttempt | null;
}

/** Table `keyed_apps`: of each app whose job takes its image's tag from a key in Consul, what Steppe wrote there. */
export class KeyedAppTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  all(): Map<string, KeyedAppRow> {
    const rows = this.#store.all("SELECT * FROM keyed_apps ORDER BY app");
    return new Map(rows.map((row) => [String(row["app"]), keyedRow(row)]));
  }

  get(app: string): KeyedAppRow | undefined {
    const row = this.#store.get("SELECT * FROM keyed_apps WHERE app = ?", app);
    return row === undefined ? undefined : keyedRow(row);
  }

  set(app: string, { live, attempt }: KeyedAppRow): void {
    this.#store.run(
      "INSERT INTO keyed_apps (app, live, attempt) VALUES (?, ?, ?) " +
        "ON CONFLICT (app) DO UPDATE SET live = excluded.live, attempt = excluded.attempt",
      app,
      live === null ? null : JSON.stringify(live),
      attempt === null ? null : JSON.stringify(attempt),
    );
  }

  /** The app's job was taken over. Of an app that has nothing here, nothing is remembered. */
  setTakenOver(app: string): void {
    this.#store.run("UPDATE keyed_apps SET taken_over = 1 WHERE app = ?", app);
  }

  /** Whether the app's job was taken over since its first tag was about to be written. */
  isTakenOver(app: string): boolean {
    return this.#store.get("SELECT taken_over FROM keyed_apps WHERE app = ?", app)?.["taken_over"] === 1;
  }

  delete(app: string): void {
    this.#store.run("DELETE FROM keyed_apps WHERE app = ?", app);
  }
}

function keyedRow({ live, attempt }: Row): KeyedAppRow {
  return {
    live: live === null ? null : (JSON.parse(String(live)) as KeyedWrite),
    attempt: attempt === null ? null : (JSON.parse(String(attempt)) as KeyedAttempt),
  };
}
