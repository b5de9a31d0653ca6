import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import { errno } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import type { ContentTables, PackRow } from "../store/index.ts";

/** A pack that is not as it was written. */
export interface MissingPack {
  name: string;
  /** One line: gone, or cut short. */
  cause: string;
  /** The files that were lost. Images that name one of them are broken until their tag is deployed again. */
  hashes: Buffer[];
}

/**
 * Brings the folder of packs and the tables into agreement. Unfinished packs, and packs that the tables do not know (a crash came
 * between rename and transaction), are removed. Of a pack that is gone or has the wrong length, the files that
 * cannot be read any more are forgotten, so that a new deployment stores them again, and reported.
 */
export function reconcilePacks(folder: string, tables: ContentTables, log: Logger): MissingPack[] {
  const rows = tables.packs();
  removeUnknown(folder, new Set(rows.map((row) => row.name)), log);
  const missing: MissingPack[] = [];
  for (const row of rows) {
    const path = join(folder, row.name);
    const length = fileLength(path);
    if (length === row.bytes) continue;
    const lost = tables.filesOfPack(row.id).filter((file) => length === undefined || !isIntact(path, file));
    const hashes = lost.map((file) => Buffer.from(file.hash));
    const cause = length === undefined ? "the pack is gone" : `the pack has ${length} bytes instead of ${row.bytes}`;
    forget(tables, row, hashes, length);
    log.error({ pack: row.name, files: hashes.length }, `files were lost: ${cause}`);
    missing.push({ name: row.name, cause, hashes });
  }
  return missing;
}

function removeUnknown(folder: string, known: ReadonlySet<string>, log: Logger): void {
  let removed = 0;
  for (const name of readdirSync(folder)) {
    if (known.has(name) || !(name.endsWith(".pack") || name.endsWith(".pack.tmp"))) continue;
    log.info({ pack: name }, "removed a pack that was not finished");
    rmSync(join(folder, name));
    removed++;
  }
  if (removed > 0) syncFolder(folder);
}

/** Compressed forms are derived: all of a damaged pack are given up, and made again some time. */
function forget(tables: ContentTables, row: PackRow, hashes: readonly Buffer[], length: number | undefined): void {
  tables.store.transaction(() => {
    tables.removeEncodingsOfPack(row.id);
    tables.loseFiles(hashes);
    if (length === undefined) tables.removePack(row.id);
    else tables.setPackBytes(row.id, length);
  });
}

function isIntact(path: string, file: { hash: Uint8Array; offset: number; size: number }): boolean {
  const fd = openSync(path, "r");
  try {
    const hashing = createHash("sha256");
    const buffer = Buffer.allocUnsafe(Math.min(file.size, 1024 * 1024));
    for (let done = 0; done < file.size;) {
      const count = readSync(fd, buffer, 0, Math.min(buffer.length, file.size - done), file.offset + done);
      if (count === 0) return false;
      hashing.update(buffer.subarray(0, count));
      done += count;
    }
    return hashing.digest().equals(file.hash);
  } finally {
    closeSync(fd);
  }
}

function fileLength(path: string): number | undefined {
  try {
    return statSync(path).size;
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}
