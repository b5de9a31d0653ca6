import { copyFile, link, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errno } from "../shared/errors.ts";
import { backupStore } from "./backup.ts";
import type { DataPaths } from "./data-folder.ts";
import { snapshotRepository } from "./snapshot-repository.ts";

/** Runs `work` while nothing is removed from the file store and the images. */
export type HoldGarbageCollection = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Copies what a full backup holds into a folder on the same disk, as of one moment, while control runs. What never changes (packs,
 * blobs, git objects) becomes hard links: quick, without space, and safe from later garbage collection however long
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
    await snapshotImages(paths.images, join(into, "images"));
  });
  for (const name of await namesIn(paths.repositories)) {
    if (name.endsWith(".git"))
      await snapshotRepository(join(paths.repositories, name), join(into, "repositories", name));
  }
  await copyFlatFolder(paths.ca, join(into, "ca"));
  await copyFlatFolder(paths.certificates, join(into, "ingress", "certificates"));
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

/** An OCI layout: blobs are named by their digest and never change, the index is replaced. */
async function snapshotImages(images: string, into: string): Promise<void> {
  await copyFlatFolder(images, into);
  for (const algorithm of await namesIn(join(images, "blobs"))) {
    await mkdir(join(into, "blobs", algorithm), { recursive: true, mode: 0o700 });
    for (const name of await namesIn(join(images, "blobs", algorithm))) {
      await unlessGone(() => link(join(images, "blobs", algorithm, name), join(into, "blobs", algorithm, name)));
    }
  }
}

/** Copies the files of a folder, without its folders and without files that are being written. */
async function copyFlatFolder(from: string, into: string): Promise<void> {
  for (const entry of await entriesIn(from)) {
    if (!entry.isFile() || isTemporary(entry.name)) continue;
    await mkdir(dirname(join(into, entry.name)), { recursive: true, mode: 0o700 });
    await unlessGone(() => copyFile(join(from, entry.name), join(into, entry.name)));
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
