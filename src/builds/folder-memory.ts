import { hash as digestOf } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { errno } from "../shared/errors.ts";
import { replaceFile } from "../shared/replace-file.ts";
import type { KnownFiles } from "./import-tree.ts";

const HEAD = Buffer.from("steppe folder 1\n");
const NAME_BYTES = 40;
const HASH_BYTES = 32;
const RECORD_BYTES = NAME_BYTES + HASH_BYTES;
/** Of a folder; more are read each time. */
const MOST_FILES = 200_000;
/** Folders that are remembered, and what all of them may take on the disk. */
const MOST_FOLDERS = 256;
const MOST_BYTES = 64 * 1024 ** 2;

/**
 * Remembers which contents the files of a folder had when it was read last, by the names that `folderTree` gives them: a file that was not changed since
 * is not read again. It holds hashes and no contents, of the files that were there last. Losing it costs time and nothing else, so it is not synced; one
 * that is damaged in whatever way is empty.
 */
export class FolderMemory implements KnownFiles {
  readonly #file: string;
  readonly #before: ReadonlyMap<string, Buffer>;
  readonly #now = new Map<string, Buffer>();
  #isChanged = false;

  /**
   * @param cache where memories lie
   * @param folder the folder that is remembered, an absolute path
   */
  constructor(cache: string, folder: string) {
    this.#file = join(cache, digestOf("sha256", folder, "base64url"));
    this.#before = readRecords(this.#file);
  }

  lookup(_app: string, oids: readonly Uint8Array[]): Array<Uint8Array | undefined> {
    const hashes = oids.map((oid) => {
      const name = nameOf(oid);
      const hash = this.#before.get(name);
      if (hash !== undefined) this.#now.set(name, hash);
      return hash;
    });
    this.#isChanged = this.#now.size !== this.#before.size;
    return hashes;
  }

  remember(_app: string, known: Iterable<{ oid: Uint8Array; hash: Uint8Array }>): void {
    for (const { oid, hash } of known) {
      this.#now.set(nameOf(oid), Buffer.from(hash));
      this.#isChanged = true;
    }
  }

  /** For a file that does not hold what is remembered of it: then nothing is believed. */
  forget(): void {
    this.#now.clear();
    this.#isChanged = true;
  }

  /** Writes it down, if there is something new. Throws what the file system throws. */
  save(): void {
    if (!this.#isChanged) return;
    const records = [...this.#now].slice(0, MOST_FILES);
    const parts = records.flatMap(([name, hash]) => [Buffer.from(name, "latin1"), hash]);
    const body = Buffer.concat([HEAD, ...parts]);
    const isNew = !existsSync(this.#file);
    replaceFile(this.#file, Buffer.concat([body, digestOf("sha256", body, "buffer")]));
    if (isNew) removeOldest(dirname(this.#file));
    this.#isChanged = false;
  }
}

/** Keeps the memories that were written last, as many as may be. */
function removeOldest(cache: string): void {
  const files = readdirSync(cache).flatMap((name) => {
    const path = join(cache, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ path, size: stat.size, time: stat.mtimeMs }];
  });
  let bytes = 0;
  for (const [index, { path, size }] of files.sort((a, b) => b.time - a.time).entries()) {
    bytes += size;
    if (index >= MOST_FOLDERS || bytes > MOST_BYTES) rmSync(path, { force: true });
  }
}

function readRecords(file: string): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  const content = readSealed(file);
  for (let at = HEAD.length; at + RECORD_BYTES <= content.length; at += RECORD_BYTES) {
    const hash = content.subarray(at + NAME_BYTES, at + RECORD_BYTES);
    records.set(content.toString("latin1", at, at + NAME_BYTES), hash);
  }
  return records;
}

/** What was written, without its digest; nothing if it is not what was written. */
function readSealed(file: string): Buffer {
  const nothing = Buffer.alloc(0);
  try {
    if (statSync(file).size > HEAD.length + MOST_FILES * RECORD_BYTES + HASH_BYTES) return nothing;
    const content = readFileSync(file);
    const end = content.length - HASH_BYTES;
    if (end < HEAD.length || !content.subarray(0, HEAD.length).equals(HEAD)) return nothing;
    const body = content.subarray(0, end);
    return digestOf("sha256", body, "buffer").equals(content.subarray(end)) ? body : nothing;
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return nothing; // there is none yet, or none that we may read: then all files are read
  }
}

function nameOf(oid: Uint8Array): string {
  return Buffer.from(oid.buffer, oid.byteOffset, oid.length).toString("latin1");
}
