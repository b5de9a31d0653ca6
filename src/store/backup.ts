import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { syncFolder } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { backupFileName } from "./backup-files.ts";
import type { BeforeMigration } from "./store.ts";

let counter = 0;

/** More pages than a store can have. */
const ALL_PAGES = 0x7fff_ffff;

/**
 * Copies the store into one file, consistent as of one moment, while it is being read and written. The copy has been
 * checked, is synced, has mode 0600, and appears under its name only when it is whole.
 *
 * Throws STORE_CORRUPT if the copy is unsound: then so is the store.
 */
export async function backupStore(database: DatabaseSync, file: string): Promise<void> {
  const temporary = temporaryName(file);
  try {
    createPrivate(temporary);
    await copyInOneStep(database.location() ?? ":memory:", temporary);
    finish(temporary, file);
  } finally {
    removeTemporary(temporary);
  }
}

/** The same at once, without giving way to anything else: for the moment before a migration. */
export function backupStoreSync(database: DatabaseSync, file: string): void {
  const temporary = temporaryName(file);
  try {
    createPrivate(temporary);
    database.prepare("VACUUM INTO ?").run(temporary);
    finish(temporary, file);
  } finally {
    removeTemporary(temporary);
  }
}

/** What Store.open wants: keeps a copy of the store as it was before its schema changed. */
export function backupBeforeMigration(folder: string, clock: Clock): BeforeMigration {
  return (database, version) =>
    backupStoreSync(database, join(folder, backupFileName(clock.now(), `before-v${version}`)));
}

/**
 * Checks every page and index of a copy of the store, and makes it one file that needs no write-ahead log beside it.
 *
 * @returns the version of its schema
 * Throws STORE_CORRUPT.
 */
export function checkStoreFile(file: string): number {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec("PRAGMA journal_mode = DELETE");
    const verdict = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
    if (verdict !== "ok") throw new Error(String(verdict));
    return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SteppeError("STORE_CORRUPT", { operation: "check", subject: file, cause }, { cause: error });
  } finally {
    database?.close();
  }
}

/**
 * Over a connection of its own: `backup()` works on a thread, and on the connection that control writes with it fails under
 * writes ("not an error"). In one step, since it begins anew when another connection wrote between two steps; as a reader of a
 * store in WAL mode it holds nobody up.
 */
async function copyInOneStep(from: string, into: string): Promise<void> {
  const reader = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(reader, into, { rate: ALL_PAGES });
  } finally {
    reader.close();
  }
}

function temporaryName(file: string): string {
  return `${file}.${process.pid}.${counter++}.tmp`;
}

/** SQLite would make it with the umask's mode; VACUUM INTO takes an empty file. */
function createPrivate(file: string): void {
  closeSync(openSync(file, "wx", 0o600));
}

function finish(temporary: string, file: string): void {
  checkStoreFile(temporary);
  const fd = openSync(temporary, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

function removeTemporary(temporary: string): void {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(temporary + suffix, { force: true });
}
