import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { type Pack, pack as createPack } from "tar-stream";
import type { Clock } from "../shared/clock.ts";
import {
  BACKUP_FORMAT,
  type BackupManifest,
  type BackupMarker,
  MANIFEST_ENTRY,
  type ManifestFile,
  MARKER_ENTRY,
} from "./backup-manifest.ts";
import { type DataPaths, SNAPSHOT_PREFIX } from "./data-folder.ts";
import { type HoldGarbageCollection, snapshotDataFolder } from "./snapshot-data-folder.ts";

export interface FullBackupOptions {
  database: DatabaseSync;
  paths: DataPaths;
  /** The version of this Steppe, for the manifest. */
  version: string;
  clock: Clock;
  /** Held only while the snapshot is made, not while it is sent. */
  holdGarbageCollection: HoldGarbageCollection;
}

const CHUNK = 256 * 1024;

/**
 * A backup of everything that is not derived, as a tar archive: the store, packs, images, repositories, the CA, certificates, the token; and
 * a manifest with the checksum of each file at the end. Consistent as of the moment of the call, while control runs.
 *
 * Resolves when the snapshot stands; the stream then takes as long as its reader does. Destroying it, or reading it to the
 * end, removes the snapshot.
 */
export async function createFullBackup(options: FullBackupOptions): Promise<Readable> {
  const { database, paths, version, clock, holdGarbageCollection } = options;
  const snapshot = await mkdtemp(join(paths.backups, SNAPSHOT_PREFIX));
  const marker: BackupMarker = {
    format: BACKUP_FORMAT,
    steppe: version,
    schema: Number(database.prepare("PRAGMA user_version").get()?.["user_version"]),
    createdAt: clock.now(),
  };
  try {
    await snapshotDataFolder(database, paths, snapshot, holdGarbageCollection);
  } catch (error) {
    await rm(snapshot, { recursive: true, force: true });
    throw error;
  }
  const archive = createPack();
  const written = writeArchive(archive, snapshot, marker).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  const stream = Readable.from(archive, { objectMode: false, highWaterMark: CHUNK });
  stream.once("close", () => {
    archive.destroy();
    void written.then(() => rm(snapshot, { recursive: true, force: true }));
  });
  return stream;
}

async function writeArchive(archive: Pack, snapshot: string, marker: BackupMarker): Promise<void> {
  const mtime = new Date(marker.createdAt);
  await addBuffer(archive, MARKER_ENTRY, Buffer.from(JSON.stringify(marker)), mtime);
  const files: ManifestFile[] = [];
  for await (const path of walk(snapshot)) {
    files.push(await addFile(archive, path, relative(snapshot, path), mtime));
  }
  const manifest: BackupManifest = { ...marker, files };
  await addBuffer(archive, MANIFEST_ENTRY, Buffer.from(JSON.stringify(manifest)), mtime);
  archive.finalize();
}

async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

async function addFile(archive: Pack, file: string, path: string, mtime: Date): Promise<ManifestFile> {
  await using handle = await open(file, "r");
  const { size } = await handle.stat();
  const hash = createHash("sha256");
  await addEntry(archive, path, size, mtime, async function* read() {
    for (let left = size; left > 0;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(CHUNK, left)), 0);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      left -= bytesRead;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
    }
  });
  return { path, size, sha256: hash.digest("hex") };
}

function addBuffer(archive: Pack, name: string, content: Buffer, mtime: Date): Promise<void> {
  return addEntry(archive, name, content.length, mtime, async function* one() {
    yield content;
  });
}

/** One entry, no faster than the archive is read. */
async function addEntry(
  archive: Pack,
  name: string,
  size: number,
  mtime: Date,
  content: () => AsyncIterable<Buffer>,
): Promise<void> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const sink = archive.entry({ name, size, mtime, mode: 0o600, type: "file" }, (error) =>
    error ? reject(error) : resolve(),
  );
  ended.catch(() => {}); // awaited below, unless the content fails first
  for await (const chunk of content()) {
    if (!sink.write(chunk)) await Promise.race([once(sink, "drain"), ended]);
  }
  sink.end(null);
  await ended;
}
