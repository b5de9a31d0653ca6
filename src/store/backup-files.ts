import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errno } from "../shared/errors.ts";

/** Why a copy of the store was made. Before a migration, with the version of the schema that it holds. */
export type BackupReason = "daily" | `before-v${number}`;

export interface BackupFile {
  path: string;
  reason: BackupReason;
  /** Milliseconds since 1970, to the second. */
  madeAt: number;
}

const NAME = /^steppe-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-(daily|before-v\d+)\.db$/;

/** `steppe-20261124T080247Z-daily.db`: sorts by time, and needs no quoting in a shell. */
export function backupFileName(madeAt: number, reason: BackupReason): string {
  return `steppe-${new Date(madeAt).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z-${reason}.db`;
}

/** The copies of the store in a folder, the newest first. A folder that is not there holds none. */
export function listBackups(folder: string): BackupFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
  return names
    .flatMap((name) => {
      const [, year, month, day, hour, minute, second, reason] = NAME.exec(name) ?? [];
      if (reason === undefined) return [];
      const madeAt = Date.UTC(
        Number(year),
        Number(month) - 1,
        Number(day),
        Number(hour),
        Number(minute),
        Number(second),
      );
      return [{ path: join(folder, name), reason: reason as BackupReason, madeAt }];
    })
    .sort((a, b) => b.madeAt - a.madeAt || (a.path < b.path ? 1 : -1));
}

/** The path of the newest copy, or undefined. */
export function newestBackup(folder: string): string | undefined {
  return listBackups(folder)[0]?.path;
}
