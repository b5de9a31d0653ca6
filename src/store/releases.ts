import type { AppDefinition } from "../config/index.ts";
import type { Row, Store } from "./store.ts";

export interface ReleaseRow {
  app: string;
  number: number;
  /** `sha256:…` */
  image: string;
  /** As it was when the release was made. */
  definition: AppDefinition;
  /** `refs/tags/v1`; null for an upload, and for an image from a registry. */
  ref: string | null;
  commit: string | null;
  /** Of an image from a registry, as it was asked for: `registry.example.com/team/blog:v1@sha256:…`; else null. */
  reference: string | null;
  /** The deployment that made it. */
  deployment: number;
  createdAt: number;
}

/** Table `releases`. Rows are inserted and deleted, never changed. */
export class ReleaseTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest first. */
  ofApp(app: string): ReleaseRow[] {
    return this.#store.all("SELECT * FROM releases WHERE app = ? ORDER BY number DESC", app).map(releaseRow);
  }

  get(app: string, number: number): ReleaseRow | undefined {
    const row = this.#store.get("SELECT * FROM releases WHERE app = ? AND number = ?", app, number);
    return row === undefined ? undefined : releaseRow(row);
  }

  /** Inserts with the app's next number, which it returns. Numbers of releases that were deleted do not come back. */
  insert(release: Omit<ReleaseRow, "number">): number {
    const key = `last-release:${release.app}`;
    const last = this.#store.get("SELECT value FROM settings WHERE key = ?", key);
    const number = Number(last?.["value"] ?? 0) + 1;
    this.#store.run("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", key, String(number));
    this.#store.run(
      `INSERT INTO releases (app, number, image, definition, ref, commit_oid, reference, deployment, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      release.app,
      number,
      release.image,
      JSON.stringify(release.definition),
      release.ref,
      release.commit,
      release.reference,
      release.deployment,
      release.createdAt,
    );
    return number;
  }

  delete(app: string, number: number): void {
    this.#store.run("DELETE FROM releases WHERE app = ? AND number = ?", app, number);
  }

  /** Every image that some release names. */
  images(): Set<string> {
    return new Set(this.#store.all("SELECT DISTINCT image FROM releases").map((row) => String(row["image"])));
  }

  /** Bytes of the images that some release names, and of those that none does; what several have in common counts for each. */
  imageBytes(): { named: number; unnamed: number } {
    const sql = `SELECT total(bytes) FILTER (WHERE digest IN (SELECT image FROM releases)) AS named, total(bytes) AS bytes FROM images`;
    const row = this.#store.get(sql);
    const named = Number(row?.["named"]);
    return { named, unnamed: Number(row?.["bytes"]) - named };
  }
}

function releaseRow(row: Row): ReleaseRow {
  return {
    app: String(row["app"]),
    number: Number(row["number"]),
    image: String(row["image"]),
    definition: JSON.parse(String(row["definition"])) as AppDefinition,
    ref: row["ref"] === null ? null : String(row["ref"]),
    commit: row["commit_oid"] === null ? null : String(row["commit_oid"]),
    reference: row["reference"] === null ? null : String(row["reference"]),
    deployment: Number(row["deployment"]),
    createdAt: Number(row["created_at"]),
  };
}
