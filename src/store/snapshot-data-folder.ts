import { copyFile, link, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errno } from "../shared/errors.ts";
import { backupStore } from "./backup.ts";
import type { DataPaths } from "./data-folder.ts";
import { snapshotRepository } from "./snapshot-repository.ts";

/** Runs `work` while nothing is removed from the file store and the images. */
export type HoldGarbageCollection = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Copies what a full backup holds into a folder on the same disk, as of one moment, while control runs. What never changes (packs,
 * images, git objects) becomes hard links: quick, without space, and safe from later garbage collection however long
 * the backup then takes to be sent.
 *
 * The store's copy is made first. What is newer than it does no harm: a pack that it does not know is removed at the next start, a
 * tag that it has not seen is deployed.
 */
export async function snapshotDataFolder(
  database: DatabaseSync,
  paths: DataPaths,
  into: string,
  hold: HoldGarbageCollection,
): Promise<void> {
  await mkdir(join(into, "packs"), { recursive: true, mode: 0o700 });
  await hold(async () => {
    const copy = join(into, "steppe.db");
    await backupStore(database, copy);
    for (const name of packNames(copy)) await link(join(paths.packs, name), join(into, "packs", name));
    await takeFiles(paths.images, join(into, "images"), link); // named by their digest: they never change
    for (const algorithm of await namesIn(join(paths.oci, "blobs"))) {
      await takeFiles(join(paths.oci, "blobs", algorithm), join(into, "oci", "blobs", algorithm), link);
    }
  });
  for (const name of await namesIn(paths.repositories)) {
    if (name.endsWith(".git"))
      await snapshotRepository(join(paths.repositories, name), join(into, "repositories", name));
  }
  await takeFiles(paths.ca, join(into, "ca"), copyFile);
  await takeFiles(paths.certificates, join(into, "ingress", "certificates"), copyFile);
  await copyFile(paths.token, join(into, "token"));
}

/** The file names of the packs that a copy of the store knows. */
function packNames(copy: string): string[] {
  const database = new DatabaseSync(copy, { readOnly: true });
  try {
    return database
      .prepare("SELECT name FROM packs")
      .all()
      .map((row) => String(row["name"]));
  } finally {
    database.close();
  }
}

/** Takes the files of a folder over, without its folders and without files that are being written. */
async function takeFiles(
  from: string,
  into: string,
  take: (file: string, copy: string) => Promise<void>,
): Promise<void> {
  for (const entry of await entriesIn(from)) {
    if (!entry.isFile() || isTemporary(entry.name)) continue;
    await mkdir(into, { recursive: true, mode: 0o700 });
    await unlessGone(() => take(join(from, entry.name), join(into, entry.name)));
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await entriesIn(folder)).map((entry) => entry.name).filter((name) => !isTemporary(name));
}

async function entriesIn(folder: string): Promise<import("node:fs").Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
}

function isTemporary(name: string): boolean {
  return name.endsWith(".tmp");
}

async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
  }
}
