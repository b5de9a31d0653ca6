import type { ErrorBody } from "../shared/errors.ts";
import type { Row, Store } from "./store.ts";

/** `Source`, `State` and `Hold` are the deployer's words: this file only keeps them. */
export interface DeploymentRow<Source = unknown, State extends string = string, Hold = unknown> {
  id: number;
  app: string;
  source: Source;
  state: State;
  noGrace: boolean;
  /** Whether nobody asked for it: a tag was pushed, or found. */
  byItself: boolean;
  /** When a person approved it, milliseconds since 1970; null if nobody did. */
  approvedAt: number | null;
  /** What it waits for, though its turn has come, as it was last told; null if nothing holds it. */
  hold: Hold | null;
  image: string | null;
  release: number | null;
  /** Why it failed; of one that has not ended, why it will have, when what it placed is taken away. */
  error: ErrorBody | null;
  requestId: string;
  createdAt: number;
  finishedAt: number | null;
}

export interface EventRow {
  deployment: number;
  seq: number;
  at: number;
  event: string;
  detail: Record<string, unknown>;
}

/** What a step changes of a deployment. */
export interface DeploymentUpdate {
  state?: string;
  image?: string;
  release?: number;
  error?: ErrorBody;
  finishedAt?: number;
}

/** Tables `deployments` and `deployment_events`: the journal. */
export class DeploymentTable<Source, State extends string, Hold> {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Returns the new deployment's id. */
  insert(
    deployment: Pick<
      DeploymentRow<Source, State, Hold>,
      "app" | "source" | "state" | "noGrace" | "byItself" | "requestId" | "createdAt"
    >,
  ): number {
    return this.#store.run(
      `INSERT INTO deployments (app, source, state, no_grace, by_itself, request_id, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      deployment.app,
      JSON.stringify(deployment.source),
      deployment.state,
      deployment.noGrace ? 1 : 0,
      deployment.byItself ? 1 : 0,
      deployment.requestId,
      deployment.createdAt,
    ).lastId;
  }

  /** What goes to another state is not held any more. */
  update(id: number, change: DeploymentUpdate): void {
    this.#store.run(
      `UPDATE deployments SET hold = iif(?1 IS NULL, hold, NULL), state = coalesce(?1, state), image = coalesce(?, image),
         release = coalesce(?, release), error = coalesce(?, error), finished_at = coalesce(?, finished_at) WHERE id = ?`,
      change.state ?? null,
      change.image ?? null,
      change.release ?? null,
      change.error === undefined ? null : JSON.stringify(change.error),
      change.finishedAt ?? null,
      id,
    );
  }

  setHold(id: number, hold: Hold | null): void {
    this.#store.run("UPDATE deployments SET hold = ? WHERE id = ?", hold === null ? null : JSON.stringify(hold), id);
  }

  setError(id: number, error: ErrorBody | null): void {
    this.#store.run("UPDATE deployments SET error = ? WHERE id = ?", error === null ? null : JSON.stringify(error), id);
  }

  setApproved(id: number, at: number): void {
    this.#store.run("UPDATE deployments SET approved_at = ? WHERE id = ?", at, id);
  }

  get(id: number): DeploymentRow<Source, State, Hold> | undefined {
    const row = this.#store.get("SELECT * FROM deployments WHERE id = ?", id);
    return row === undefined ? undefined : deploymentRow<Source, State, Hold>(row);
  }

  /** The newest first. */
  ofApp(app: string, limit: number): DeploymentRow<Source, State, Hold>[] {
    return this.#store
      .all("SELECT * FROM deployments WHERE app = ? ORDER BY id DESC LIMIT ?", app, limit)
      .map((row) => deploymentRow<Source, State, Hold>(row));
  }

  /** The newest of an app's deployments that is about an image: it was made of it, or came from a registry by this digest. */
  ofImage(app: string, digest: string): DeploymentRow<Source, State, Hold> | undefined {
    const row = this.#store.get(
      `SELECT * FROM deployments WHERE app = ?1 AND (image = ?2 OR json_extract(source, '$.digest') = ?2)
       ORDER BY id DESC LIMIT 1`,
      app,
      digest,
    );
    return row === undefined ? undefined : deploymentRow<Source, State, Hold>(row);
  }

  /** The oldest first. */
  unfinished(): DeploymentRow<Source, State, Hold>[] {
    return this.#store
      .all("SELECT * FROM deployments WHERE finished_at IS NULL ORDER BY id")
      .map((row) => deploymentRow<Source, State, Hold>(row));
  }

  /** The oldest first. */
  unfinishedOf(app: string): DeploymentRow<Source, State, Hold>[] {
    return this.#store
      .all("SELECT * FROM deployments WHERE app = ? AND finished_at IS NULL ORDER BY id", app)
      .map((row) => deploymentRow<Source, State, Hold>(row));
  }

  /**
   * The finished switches of an app, the newest first: deployments that ended in `liveState`, with what they made live. They end
   * in the order in which they were asked for; by the time of their ends they would be in another after the clock was set back.
   */
  switches(app: string, liveState: State): Array<{ release: number; at: number; noGrace: boolean }> {
    const rows = this.#store.all(
      `SELECT release, finished_at, no_grace FROM deployments
       WHERE app = ? AND state = ? AND release IS NOT NULL ORDER BY id DESC`,
      app,
      liveState,
    );
    return rows.map((row) => ({
      release: Number(row["release"]),
      at: Number(row["finished_at"]),
      noGrace: row["no_grace"] === 1,
    }));
  }

  /** Appends to the journal and returns the line's number within the deployment. */
  appendEvent(deployment: number, at: number, event: string, detail: Record<string, unknown>): number {
    const row = this.#store.get(
      `INSERT INTO deployment_events (deployment, seq, at, event, detail)
       VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM deployment_events WHERE deployment = ?1), ?2, ?3, ?4)
       RETURNING seq`,
      deployment,
      at,
      event,
      JSON.stringify(detail),
    );
    return Number(row?.["seq"]);
  }

  events(deployment: number): EventRow[] {
    return this.#store
      .all("SELECT * FROM deployment_events WHERE deployment = ? ORDER BY seq", deployment)
      .map((row) => ({
        deployment: Number(row["deployment"]),
        seq: Number(row["seq"]),
        at: Number(row["at"]),
        event: String(row["event"]),
        detail: JSON.parse(String(row["detail"])) as Record<string, unknown>,
      }));
  }

  /** The ids of all of an app's deployments. */
  idsOf(app: string): number[] {
    return this.#store.all("SELECT id FROM deployments WHERE app = ?", app).map((row) => Number(row["id"]));
  }

  /** Forgets finished deployments of an app but the newest `keep` and those whose release is still there. Returns their ids. */
  prune(app: string, keep: number): number[] {
    const rows = this.#store.all(
      `DELETE FROM deployments WHERE app = ?1 AND finished_at IS NOT NULL
         AND id NOT IN (SELECT id FROM deployments WHERE app = ?1 ORDER BY id DESC LIMIT ?2)
         AND NOT EXISTS (SELECT 1 FROM releases WHERE app = ?1 AND number = deployments.release)
       RETURNING id`,
      app,
      keep,
    );
    return rows.map((row) => Number(row["id"]));
  }
}

function deploymentRow<Source, State extends string, Hold>(row: Row): DeploymentRow<Source, State, Hold> {
  return {
    id: Number(row["id"]),
    app: String(row["app"]),
    source: JSON.parse(String(row["source"])) as Source,
    state: String(row["state"]) as State,
    noGrace: row["no_grace"] === 1,
    byItself: row["by_itself"] === 1,
    approvedAt: row["approved_at"] === null ? null : Number(row["approved_at"]),
    hold: row["hold"] === null ? null : (JSON.parse(String(row["hold"])) as Hold),
    image: row["image"] === null ? null : String(row["image"]),
    release: row["release"] === null ? null : Number(row["release"]),
    error: row["error"] === null ? null : (JSON.parse(String(row["error"])) as ErrorBody),
    requestId: String(row["request_id"]),
    createdAt: Number(row["created_at"]),
    finishedAt: row["finished_at"] === null ? null : Number(row["finished_at"]),
  };
}
