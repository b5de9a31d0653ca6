import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { errno, SteppeError } from "../shared/errors.ts";
import { newestBackup } from "./backup-files.ts";
import { migrations } from "./migrations.ts";

export type Row = Record<string, string | number | bigint | Uint8Array | null>;

/** Called before a migration of a store that holds data; makes a backup. */
export type BeforeMigration = (database: DatabaseSync, version: number) => void;

export interface StoreOptions {
  /** Not called for a new store. */
  beforeMigration?: BeforeMigration;
  /** Where backups of it lie: an unsound store is refused naming the newest, and so is a lost one, instead of beginning anew. */
  backups?: string;
  /** The migrations, for tests of earlier versions. */
  steps?: readonly string[];
}

/**
 * Steppe's state: one SQLite file in WAL mode with `synchronous=FULL`, so that what was committed is
 * there after a power cut. Synchronous, like node:sqlite: a statement takes microseconds. The files
 * beside this one hold the SQL, one per group of tables.
 */
export class Store {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #afterCommit: Array<() => void> = [];

  private constructor(database: DatabaseSync, path: string) {
    this.database = database;
    this.path = path;
  }

  /**
   * Opens the store, or makes it, and brings its schema up to date.
   * Throws STORE_CORRUPT, STORE_TOO_NEW.
   *
   * @param path the file, or `:memory:`
   */
  static open(path: string, { beforeMigration, backups, steps = migrations }: StoreOptions = {}): Store {
    let database: DatabaseSync | undefined;
    try {
      refuseLost(path, backups);
      database = new DatabaseSync(path);
      database.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000",
      );
      checkIntegrity(database);
      database.exec("PRAGMA shrink_memory"); // the check has read all of it into SQLite's cache
      const store = new Store(database, path);
      store.#migrate(steps, beforeMigration);
      return store;
    } catch (error) {
      database?.close();
      throw isCorruption(error) ? corrupt(path, error, backups) : error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Runs a statement that returns nothing. */
  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number } {
    const result = this.#prepare(sql).run(...values);
    return { changes: Number(result.changes), lastId: Number(result.lastInsertRowid) };
  }

  /** The first row, or undefined. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  /** A prepared statement, kept; for loops that run it many times. */
  prepare(sql: string): StatementSync {
    return this.#prepare(sql);
  }

  /** All of `work` or none of it. May be nested: the outermost commits. `work` must not be asynchronous. */
  transaction<Result>(work: () => Result): Result {
    if (this.#depth > 0) return work();
    this.database.exec("BEGIN IMMEDIATE");
    this.#depth++;
    let result: Result;
    try {
      result = work();
      this.database.exec("COMMIT");
    } catch (error) {
      this.#afterCommit = [];
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
    const waiting = this.#afterCommit;
    this.#afterCommit = [];
    for (const one of waiting) one();
    return result;
  }

  /**
   * Calls `work` when what was written is durable: at once, or after the transaction that is under way; not if that fails. It must
   * not throw: what was written stays so.
   */
  afterCommit(work: () => void): void {
    if (this.#depth === 0) work();
    else this.#afterCommit.push(work);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #migrate(steps: readonly string[], beforeMigration: BeforeMigration | undefined): void {
    const version = Number(this.get("PRAGMA user_version")?.["user_version"] ?? 0);
    if (version > steps.length) {
      throw new SteppeError("STORE_TOO_NEW", {
        operation: "open",
        subject: this.path,
        cause: `its schema is version ${version}, this Steppe knows up to ${steps.length}`,
      });
    }
    if (version === steps.length) return;
    if (version > 0) beforeMigration?.(this.database, version);
    this.transaction(() => {
      for (const step of steps.slice(version)) this.database.exec(step);
      this.database.exec(`PRAGMA user_version = ${steps.length}`);
    });
  }
}

/** A verdict on the file that SQLite itself did not throw. */
class Unsound extends Error {}

/** SQLite's smallest page. */
const SMALLEST_STORE = 512;

/** SQLite takes an absent file, or one that holds no page, for a new store: with backups beside it, it is one that was lost. */
function refuseLost(path: string, backups: string | undefined): void {
  if (backups === undefined || newestBackup(backups) === undefined) return;
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new Unsound("the file is gone, though there are backups of it");
  if (size < SMALLEST_STORE) throw new Unsound("the file is empty, though there are backups of it");
}

function checkIntegrity(database: DatabaseSync): void {
  const answer = database.prepare("PRAGMA quick_check(1)").get() as Row | undefined;
  const verdict = String(answer?.["quick_check"] ?? "no answer");
  if (verdict !== "ok") throw new Unsound(verdict);
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, see https://sqlite.org/rescode.html */
function isCorruption(error: unknown): boolean {
  if (error instanceof Unsound) return true;
  if (errno(error) !== "ERR_SQLITE_ERROR" || !(error instanceof Error) || !("errcode" in error)) return false;
  const primary = Number(error.errcode) & 0xff;
  return primary === 11 || primary === 26;
}

function corrupt(path: string, cause: unknown, backups: string | undefined): SteppeError {
  const newest = backups === undefined ? undefined : newestBackup(backups);
  return new SteppeError(
    "STORE_CORRUPT",
    {
      operation: "open",
      subject: path,
      cause: cause instanceof Error ? cause.message : String(cause),
      hint: newest === undefined ? undefined : `Restore the newest backup with \`steppe restore ${newest}\`.`,
    },
    { cause },
  );
}
