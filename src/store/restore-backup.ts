import {
  chownSync,
  createReadStream,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { mkdtemp, open } from "node:fs/promises";
import { connect } from "node:net";
import { basename, dirname, join, resolve } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { invalidBackup } from "./backup-manifest.ts";
import { ASIDE, type DataPaths, dataPaths, lockDataFolder, restoredPrefix } from "./data-folder.ts";
import { extractBackup } from "./extract-backup.ts";
import { restoreStore, SQLITE_MAGIC } from "./restore-store.ts";

export interface RestoreOptions {
  /** Whether a data folder that holds something may be replaced. It is moved aside, never removed. */
  force: boolean;
  clock: Clock;
}

export interface RestoreResult {
  /** A full backup, or a copy of the store alone. */
  kind: "full" | "store";
  /** When the backup was made, milliseconds since 1970; null if it does not say. */
  createdAt: number | null;
  files: number;
  /** Where what was there before is now. */
  movedTo: string | null;
  /** Of a copy of the store: how many packs were freed since; the releases in them are to be deployed again. */
  missingPacks: number;
}

/**
 * Restores a backup: of a full one the whole data folder, of a copy of the store (`backups/*.db`) the store in it. Nothing is touched before
 * all of the backup was checked; then it is put in place by renaming.
 *
 * Throws BACKUP_INVALID, STORE_TOO_NEW, ALREADY_RUNNING, DATA_FOLDER_UNUSABLE, DISK_FULL.
 */
export async function restoreBackup(file: string, folder: string, options: RestoreOptions): Promise<RestoreResult> {
  const root = existsSync(folder) ? realpathSync(folder) : resolve(folder);
  const paths = dataPaths(root);
  const kind = await kindOf(file);
  try {
    const holdsData = isHolding(root);
    if (holdsData) requireOurs(paths);
    if (kind === "store" && !holdsData) {
      throw unusable(
        root,
        "it is empty, and the backup is of the store alone",
        "Restore a full backup: `steppe backup`.",
      );
    }
    const lock = holdsData ? lockDataFolder(paths) : undefined;
    try {
      if (holdsData) {
        await requireNoIngress(paths);
        if (!options.force) throw holdsDataAlready(root);
      }
      const time = timestamp(options.clock);
      if (kind === "full") return await restoreFull(file, root, time);
      const restored = await restoreStore(file, paths, ASIDE + time);
      giveToOwner(paths.database, root);
      return { kind, createdAt: null, files: 1, ...restored };
    } finally {
      lock?.close();
    }
  } catch (error) {
    throw toSteppeError(error, "restore", root);
  }
}

async function restoreFull(file: string, root: string, time: string): Promise<RestoreResult> {
  const parent = dirname(root);
  mkdirSync(parent, { recursive: true });
  let staging = await makeStaging(parent, root);
  try {
    const manifest = await extractBackup(createReadStream(file), staging, file);
    syncTree(staging);
    const movedTo = isHolding(root) ? root + ASIDE + time : null;
    if (existsSync(root)) giveToOwner(staging, root);
    const whole = join(parent, restoredPrefix(root) + time); // the name says so, should we be ended before it is in its place
    renameSync(staging, whole);
    staging = whole;
    syncFolder(parent);
    if (movedTo !== null) renameSync(root, movedTo);
    try {
      renameSync(staging, root); // onto an empty folder is fine, onto one that filled up meanwhile fails
    } catch (error) {
      if (movedTo !== null) renameSync(movedTo, root);
      throw error;
    }
    syncFolder(parent);
    return { kind: "full", createdAt: manifest.createdAt, files: manifest.files.length, movedTo, missingPacks: 0 };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function makeStaging(parent: string, root: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, `.${basename(root)}.restore-`));
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes(errno(error) ?? "")) throw error;
    throw unusable(
      root,
      `its parent folder ${parent} cannot be written`,
      "Restore as root, or into another folder.",
      error,
    );
  }
}

async function kindOf(file: string): Promise<"full" | "store"> {
  try {
    if (!statSync(file).isFile()) throw invalidBackup(file, "it is no plain file");
    await using handle = await open(file, "r");
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead).toString("latin1") === SQLITE_MAGIC ? "store" : "full";
  } catch (error) {
    if (error instanceof SteppeError) throw error;
    const isMissing = errno(error) === "ENOENT";
    const cause = isMissing ? "there is no such file" : `it cannot be read: ${(error as Error).message}`;
    throw invalidBackup(file, cause, undefined, error);
  }
}

function isHolding(root: string): boolean {
  if (!existsSync(root)) return false;
  if (!statSync(root).isDirectory()) throw unusable(root, "it is a file and no folder");
  return readdirSync(root).length > 0;
}

function requireOurs(paths: DataPaths): void {
  const known = [paths.database, paths.token, paths.packs, paths.repositories];
  if (!known.some((path) => existsSync(path))) throw unusable(paths.root, "it holds something else than Steppe's data");
}

function holdsDataAlready(root: string): SteppeError {
  return unusable(
    root,
    "it holds data already",
    "Give `--force` to put the backup in its place (what is there is moved aside), or `--data` with another folder.",
  );
}

/** Ingress processes outlive control, and hold the ports: they would go on serving from what was moved aside. */
async function requireNoIngress(paths: DataPaths): Promise<void> {
  for (const name of readdirSync(paths.run)) {
    if (!name.endsWith(".sock") || !(await answers(join(paths.run, name)))) continue;
    throw new SteppeError("ALREADY_RUNNING", {
      operation: "restore",
      subject: paths.root,
      cause: `its ingress still serves (${name})`,
      hint: "Stop it: start Steppe on that folder and stop it with Ctrl-C, or `systemctl stop steppe`.",
    });
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((settle) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      settle(true);
    });
    connection.once("error", () => settle(false)); // nobody listens any more
  });
}

/** Files that root restored belong to the user who runs Steppe on the folder. */
function giveToOwner(path: string, like: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like);
  if (uid === 0 && gid === 0) return;
  chownSync(path, uid, gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" })) lchownSync(join(path, entry), uid, gid);
}

/** The files are synced as they are written; this does it for the names of all of them. */
function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) syncTree(join(folder, entry.name));
  }
  syncFolder(folder);
}

function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, "");
}

function unusable(root: string, cause: string, hint?: string, thrown?: unknown): SteppeError {
  return new SteppeError(
    "DATA_FOLDER_UNUSABLE",
    { operation: "restore", subject: root, cause, hint },
    { cause: thrown },
  );
}
