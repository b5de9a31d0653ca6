import type { Row, Store } from "./store.ts";

/** Which job on Nomad is an app's. */
export interface NomadJobRow {
  app: string;
  /** The job's id. */
  job: string;
  /** The job's `jobModifyIndex` when Steppe registered it last, or took it over. */
  jobModifyIndex: bigint;
}

/** Table `nomad_jobs`. */
export class NomadJobTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  all(): NomadJobRow[] {
    return this.#store.all("SELECT * FROM nomad_jobs ORDER BY app").map(jobRow);
  }

  get(app: string): NomadJobRow | undefined {
    const row = this.#store.get("SELECT * FROM nomad_jobs WHERE app = ?", app);
    return row === undefined ? undefined : jobRow(row);
  }

  set({ app, job, jobModifyIndex }: NomadJobRow): void {
    this.#store.run(
      "INSERT OR REPLACE INTO nomad_jobs (app, job, job_modify_index) VALUES (?, ?, ?)",
      app,
      job,
      String(jobModifyIndex),
    );
  }

  delete(app: string): void {
    this.#store.run("DELETE FROM nomad_jobs WHERE app = ?", app);
  }
}

function jobRow(row: Row): NomadJobRow {
  return {
    app: String(row["app"]),
    job: String(row["job"]),
    jobModifyIndex: BigInt(String(row["job_modify_index"])),
  };
}
