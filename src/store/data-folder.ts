import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { writeFileAtomic } from "../shared/atomic-file.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";

/** Within the name of a data folder, or store, that a restore moved aside; a time follows. */
export const ASIDE = ".before-restore-";

/** How the names begin of folders beside `root` that a restore made, whole, to take its place; a time follows. */
export function restoredPrefix(root: string): string {
  return `.${basename(root)}.restored-`;
}

/** Where everything lies, as absolute paths. */
export interface DataPaths {
  root: string;
  /** The file with the API's token. */
  token: string;
  /** The store's file. */
  database: string;
  /** Sockets and locks of the processes that run. */
  run: string;
  /** The unix socket of the API, for the ingress. */
  apiSocket: string;
  /** The same of the listener for webhooks. */
  webhookSocket: string;
  repositories: string;
  packs: string;
  images: string;
  /** An OCI image layout: images that were made elsewhere. */
  oci: string;
  /** What the ingress serves from: snapshot, site indexes, certificates. */
  ingress: string;
  sites: string;
  certificates: string;
  ca: string;
  builds: string;
  cache: string;
  logs: string;
  backups: string;
}

/** A data folder that this process alone may use, until it is closed or the process ends. */
export interface DataFolder extends Disposable {
  readonly paths: DataPaths;
  close(): void;
}

/** Snapshots for full backups lie in `backups/` and begin with this. */
export const SNAPSHOT_PREFIX = ".snapshot-";

const LOCK = "control.lock";

export function dataPaths(folder: string): DataPaths {
  const root = resolve(folder);
  const ingress = join(root, "ingress");
  const run = join(root, "run");
  return {
    root,
    token: join(root, "token"),
    database: join(root, "steppe.db"),
    run,
    apiSocket: join(run, "api.sock"),
    webhookSocket: join(run, "webhooks.sock"),
    repositories: join(root, "repositories"),
    packs: join(root, "packs"),
    images: join(root, "images"),
    oci: join(root, "oci"),
    ingress,
    sites: join(ingress, "sites"),
    certificates: join(ingress, "certificates"),
    ca: join(root, "ca"),
    builds: join(root, "builds"),
    cache: join(root, "cache"),
    logs: join(root, "logs"),
    backups: join(root, "backups"),
  };
}

/**
 * Makes the data folder ready, private to its user (mode 0700), and takes its lock.
 * Throws DATA_FOLDER_UNUSABLE, ALREADY_RUNNING, DISK_FULL.
 */
export function openDataFolder(folder: string): DataFolder {
  const paths = dataPaths(folder);
  try {
    refuseInterruptedRestore(paths.root);
    makePrivate(paths.root);
    for (const path of foldersOf(paths)) mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(paths.root, error);
  }
  const lock = lockDataFolder(paths);
  removeLeftovers(paths);
  return { paths, close: () => lock.close(), [Symbol.dispose]: () => lock.close() };
}

/**
 * A restore puts a folder in place by two renames, and was ended between them: to begin with an empty one would look as if all were lost.
 * Throws DATA_FOLDER_UNUSABLE.
 */
function refuseInterruptedRestore(root: string): void {
  const parent = dirname(root);
  if (existsSync(root) || !existsSync(parent)) return;
  const newest = (prefix: string): string | undefined =>
    readdirSync(parent)
      .filter((name) => name.startsWith(prefix))
      .sort()
      .at(-1);
  const aside = newest(`${basename(root)}${ASIDE}`);
  const restored = newest(restoredPrefix(root));
  if (aside === undefined || restored === undefined) return;
  const cause = `it is not there: a restore was ended while it put ${join(parent, restored)} in its place`;
  const hint = `Rename that to ${root}, which ends the restore; or rename ${join(parent, aside)} to it, which undoes it.`;
  throw new SteppeError("DATA_FOLDER_UNUSABLE", { operation: "open data folder", subject: root, cause, hint });
}

/**
 * Takes the lock of a folder that exists. It is a lock of the kernel's on a file (SQLite takes it portably; Node itself has no
 * call for it): however the process ends, it is free then, and a recycled process id is never taken for an owner. The id
 * beside it only serves the message.
 * Throws ALREADY_RUNNING, DATA_FOLDER_UNUSABLE.
 */
export function lockDataFolder(paths: DataPaths): { close(): void } {
  const file = join(paths.run, LOCK);
  const ownerFile = join(paths.run, "control.pid");
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(file);
    lock.exec("BEGIN EXCLUSIVE");
    chmodSync(file, 0o600);
    writeFileAtomic(ownerFile, `${process.pid}\n`);
    return lock;
  } catch (error) {
    lock?.close();
    throw isBusy(error) ? alreadyRunning(paths.root, ownerFile, error) : unusable(paths.root, error);
  }
}

/** What a process that was killed left half-made in `backups/`; with the lock taken, nobody works on it any more. */
function removeLeftovers(paths: DataPaths): void {
  for (const name of readdirSync(paths.backups)) {
    const isLeftover = name.startsWith(SNAPSHOT_PREFIX) || /\.tmp(?:-journal|-wal|-shm)?$/.test(name);
    if (isLeftover) rmSync(join(paths.backups, name), { recursive: true, force: true });
  }
}

function foldersOf(paths: DataPaths): string[] {
  const { run, repositories, packs, images, oci, ingress, sites, certificates, ca, builds, cache, logs, backups } =
    paths;
  return [run, repositories, packs, images, oci, ingress, sites, certificates, ca, builds, cache, logs, backups];
}

function makePrivate(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(root);
  const user = process.getuid?.();
  if (user !== undefined && user !== 0 && uid !== user) {
    throw new SteppeError("DATA_FOLDER_UNUSABLE", {
      operation: "open data folder",
      subject: root,
      cause: `it belongs to user ${uid}, and this is user ${user}`,
      hint: "Run Steppe as the user that the folder belongs to, or give another folder with `--data`.",
    });
  }
  if ((mode & 0o077) !== 0) chmodSync(root, 0o700);
}

/** SQLITE_BUSY, see https://sqlite.org/rescode.html */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 5;
}

function alreadyRunning(root: string, ownerFile: string, cause: unknown): SteppeError {
  const owner = readOwner(ownerFile);
  return new SteppeError(
    "ALREADY_RUNNING",
    {
      operation: "open data folder",
      subject: root,
      cause: owner === undefined ? "another process uses it" : `process ${owner} uses it`,
      hint: owner && `Stop it (\`kill ${owner}\` ends all of it, the ingress too), or give another \`--data\` folder.`,
    },
    { cause },
  );
}

function readOwner(file: string): string | undefined {
  try {
    return /^\d+/.exec(readFileSync(file, "latin1"))?.[0];
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined; // it has just started, and is about to write it
    throw error;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is read-only",
  ENOTDIR: "it, or a part of its path, is a file and no folder",
  EEXIST: "it, or a part of its path, is a file and no folder",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "the path has too many symbolic links",
};

function unusable(root: string, error: unknown): SteppeError {
  const reason = REASONS[errno(error) ?? ""];
  const isSqlite = errno(error) === "ERR_SQLITE_ERROR";
  if (reason === undefined && !isSqlite) return toSteppeError(error, "open data folder", root);
  const cause = reason ?? `its lock file cannot be used: ${(error as Error).message}`;
  return new SteppeError(
    "DATA_FOLDER_UNUSABLE",
    { operation: "open data folder", subject: root, cause },
    { cause: error },
  );
}
