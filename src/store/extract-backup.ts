import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, open, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { extract } from "tar-stream";
import { SteppeError } from "../shared/errors.ts";
import {
  type BackupManifest,
  invalidBackup,
  isBackupPath,
  MANIFEST_ENTRY,
  type ManifestFile,
  MARKER_ENTRY,
  parseManifest,
  parseMarker,
} from "./backup-manifest.ts";
import { checkStoreFile } from "./backup.ts";
import { migrations } from "./migrations.ts";

/** Bytes of the two entries that are held in memory. */
const MOST_MARKER = 64 * 1024;
const MOST_MANIFEST = 512 * 1024 * 1024;

/**
 * Unpacks a full backup into an empty folder and checks all of it: each file against its checksum, nothing missing and nothing
 * besides, the store whole, and every pack that it names there. Files get mode 0600 and are synced.
 *
 * @param subject what to call the archive in messages
 * Throws BACKUP_INVALID, STORE_TOO_NEW.
 */
export async function extractBackup(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  subject: string,
): Promise<BackupManifest> {
  const extracted = new Map<string, ManifestFile>();
  let isMarked = false;
  let manifest: BackupManifest | undefined;
  for await (const { name, isFile, content } of readEntries(archive, subject)) {
    if (!isFile) throw invalidBackup(subject, `it holds \`${name}\`, which is no plain file`);
    if (manifest !== undefined) throw invalidBackup(subject, `\`${name}\` comes after its end`);
    if (!isMarked) {
      if (name !== MARKER_ENTRY) throw invalidBackup(subject, "it is an archive, but no backup of Steppe's");
      parseMarker(await collect(content, MOST_MARKER, subject), subject);
      isMarked = true;
    } else if (name === MANIFEST_ENTRY) {
      manifest = parseManifest(await collect(content, MOST_MANIFEST, subject), subject);
    } else {
      if (!isBackupPath(name)) throw invalidBackup(subject, `\`${name}\` does not belong into a backup`);
      if (extracted.has(name)) throw invalidBackup(subject, `it holds \`${name}\` twice`);
      extracted.set(name, await writeEntry(content, folder, name));
    }
  }
  if (manifest === undefined) throw invalidBackup(subject, "it ends too early");
  compare(manifest, extracted, subject);
  await completeRepositories(folder);
  checkStore(folder, subject);
  return manifest;
}

interface ArchiveEntry {
  name: string;
  isFile: boolean;
  content: AsyncIterable<Uint8Array>;
}

/** The entries of a tar archive; whatever is wrong with its form is BACKUP_INVALID. */
async function* readEntries(archive: AsyncIterable<Uint8Array>, subject: string): AsyncGenerator<ArchiveEntry> {
  const parser = extract();
  const parsed = feed(archive, parser);
  parsed.catch(() => {}); // awaited at the end; the parser fails with the same error before
  try {
    for await (const source of parser) {
      const content = wholeContent(source as AsyncIterable<Uint8Array>, subject);
      yield { name: source.header.name, isFile: source.header.type === "file", content };
    }
    await parsed;
  } catch (error) {
    throw damaged(error, subject);
  } finally {
    parser.destroy();
  }
}

/** An entry's bytes; where they end too early, BACKUP_INVALID. */
async function* wholeContent(content: AsyncIterable<Uint8Array>, subject: string): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw damaged(error, subject);
  }
}

/** What a broken archive means; the disk's own errors stay as they are. */
function damaged(error: unknown, subject: string): unknown {
  if (error instanceof SteppeError || (error instanceof Error && "syscall" in error)) return error;
  const cause = error instanceof Error ? error.message : String(error);
  return invalidBackup(subject, `it is damaged or cut off: ${cause}`, undefined, error);
}

async function feed(archive: AsyncIterable<Uint8Array>, parser: ReturnType<typeof extract>): Promise<void> {
  const closed = once(parser, "close");
  closed.catch(() => {}); // the parser's own failure reaches the reader of its entries
  try {
    for await (const chunk of archive) {
      if (parser.destroyed || parser.destroying) return;
      if (!parser.write(chunk)) await Promise.race([once(parser, "drain"), closed]);
    }
    parser.end(null);
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function writeEntry(content: AsyncIterable<Uint8Array>, folder: string, path: string): Promise<ManifestFile> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await using handle = await open(file, "wx", 0o600);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    for (let offset = 0; offset < chunk.length;) {
      offset += (await handle.write(chunk, offset)).bytesWritten;
    }
    size += chunk.length;
  }
  await handle.sync();
  return { path, size, sha256: hash.digest("hex") };
}

async function collect(content: AsyncIterable<Uint8Array>, most: number, subject: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > most) throw invalidBackup(subject, "its list of files is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function compare(manifest: BackupManifest, extracted: ReadonlyMap<string, ManifestFile>, subject: string): void {
  for (const { path, size, sha256 } of manifest.files) {
    const found = extracted.get(path);
    if (found === undefined) throw invalidBackup(subject, `\`${path}\` is missing`);
    if (found.size !== size || found.sha256 !== sha256) throw invalidBackup(subject, `\`${path}\` is damaged`);
  }
  if (manifest.files.length !== extracted.size)
    throw invalidBackup(subject, "it holds files that its list does not name");
}

/** Git takes a folder for a repository only with these in it, and an archive has no empty folders. */
async function completeRepositories(folder: string): Promise<void> {
  const repositories = join(folder, "repositories");
  await mkdir(repositories, { recursive: true, mode: 0o700 });
  for (const name of await readdir(repositories)) {
    for (const part of ["refs/heads", "refs/tags", "objects/info", "objects/pack"]) {
      await mkdir(join(repositories, name, part), { recursive: true, mode: 0o700 });
    }
  }
}

function checkStore(folder: string, subject: string): void {
  const file = join(folder, "steppe.db");
  let version: number;
  try {
    version = checkStoreFile(file);
  } catch (error) {
    throw invalidBackup(subject, "the store in it is damaged", undefined, error);
  }
  requireKnownSchema(version, subject);
  const missing = missingPacks(file, join(folder, "packs"));
  if (missing.length > 0) throw invalidBackup(subject, `the pack \`${missing[0]}\` is missing`);
}

/** Throws STORE_TOO_NEW. */
export function requireKnownSchema(version: number, subject: string): void {
  if (version <= migrations.length) return;
  throw new SteppeError("STORE_TOO_NEW", {
    operation: "restore",
    subject,
    cause: `its schema is version ${version}, this Steppe knows up to ${migrations.length}`,
  });
}

/** The names of the packs that a store knows, and that are not in the folder of packs. */
export function missingPacks(file: string, packFolder: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const present = new Set(existsSync(packFolder) ? readdirSync(packFolder) : []);
    return database
      .prepare("SELECT name FROM packs ORDER BY id")
      .all()
      .map((row) => String(row["name"]))
      .filter((name) => !present.has(name));
  } finally {
    database.close();
  }
}
