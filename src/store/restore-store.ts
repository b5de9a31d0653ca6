import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { syncFolder } from "../shared/atomic-file.ts";
import { errno } from "../shared/errors.ts";
import { invalidBackup } from "./backup-manifest.ts";
import { checkStoreFile } from "./backup.ts";
import type { DataPaths } from "./data-folder.ts";
import { missingPacks, requireKnownSchema } from "./extract-backup.ts";

/** The first bytes of every SQLite file, see https://sqlite.org/fileformat.html */
export const SQLITE_MAGIC = "SQLite format 3\0";

/**
 * Puts a copy of the store alone (a daily one from `backups/`) in place of a data folder's store, which is kept beside it.
 * Content that was freed since the copy was made is taken out of its records, so that it is stored again when it is deployed
 * again.
 *
 * @param asideSuffix added to the name of the old store
 * @returns how many packs were gone, and where the old store is now
 * Throws BACKUP_INVALID, STORE_TOO_NEW.
 */
export async function restoreStore(
  file: string,
  paths: DataPaths,
  asideSuffix: string,
): Promise<{ missingPacks: number; movedTo: string | null }> {
  const temporary = `${paths.database}.restore.tmp`;
  try {
    await copyFile(file, temporary);
    chmodSync(temporary, 0o600);
    requireKnownSchema(checkCopy(temporary, file), file);
    const missing = missingPacks(temporary, paths.packs);
    forgetPacks(temporary, missing);
    await syncFile(temporary);
    const movedTo = existsSync(paths.database) ? paths.database + asideSuffix : null;
    if (movedTo !== null) foldLogIn(paths.database);
    // The log goes with its store, and first: it must never meet another one.
    for (const suffix of ["-wal", "-shm"]) {
      if (movedTo !== null && existsSync(paths.database + suffix))
        renameSync(paths.database + suffix, movedTo + suffix);
      else rmSync(paths.database + suffix, { force: true });
    }
    if (movedTo !== null) renameSync(paths.database, movedTo);
    renameSync(temporary, paths.database);
    syncFolder(paths.root);
    return { missingPacks: missing.length, movedTo };
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(temporary + suffix, { force: true });
  }
}

function checkCopy(copy: string, subject: string): number {
  try {
    return checkStoreFile(copy);
  } catch (error) {
    throw invalidBackup(subject, "the store in it is damaged", undefined, error);
  }
}

function forgetPacks(file: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const database = new DatabaseSync(file);
  try {
    database.exec("BEGIN");
    for (const name of names) {
      for (const table of ["encodings", "files"]) {
        database.prepare(`DELETE FROM ${table} WHERE pack = (SELECT id FROM packs WHERE name = ?)`).run(name);
      }
      database.prepare("DELETE FROM packs WHERE name = ?").run(name);
    }
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

/** So that the old store is whole without its log, should we be ended between moving the one and the other. */
function foldLogIn(file: string): void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (errno(error) !== "ERR_SQLITE_ERROR") throw error; // a damaged one is what a restore is for
  } finally {
    database?.close();
  }
}

async function syncFile(file: string): Promise<void> {
  await using handle = await open(file, "r+");
  await handle.sync();
}
