import { hash as digest } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { ContentTables, type EncodingPlace, type PackRow, type Place, type Store } from "../store/index.ts";
import { ContentHolds } from "./content-holds.ts";
import { encoderForm } from "./encoders.ts";
import { type BatchTarget, PackedFileBatch } from "./file-batch.ts";
import { OpenPacks } from "./open-packs.ts";
import type { PackItem } from "./pack-format.ts";
import type { FinishedPack } from "./pack-writer.ts";
import { type MissingPack, reconcilePacks } from "./reconcile-packs.ts";
import type { Encoding, FileBatch, FileStore, Location } from "./types.ts";

export interface FileStoreOptions {
  /** The folder of packs; it exists. */
  folder: string;
  store: Store;
  log: Logger;
  clock: Clock;
}

/** Where a file and its compressed forms lie. */
export interface FileLocations {
  file: Location;
  encodings: Partial<Record<Encoding, Location>>;
}

/**
 * The content-addressed file store in packs. One process has it open; packs that are written may be read by any
 * number of others. See docs of FileStore for the contract, pack-format.ts for the bytes.
 */
export class PackedFileStore implements FileStore, BatchTarget {
  readonly packFolder: string;
  readonly tables: ContentTables;
  /** For readers that need more than `read`: they open packs in the same tick as they look up. */
  readonly packs: OpenPacks;
  readonly holds = new ContentHolds();
  readonly #clock: Clock;
  readonly #names = new Map<number, string>();
  readonly #missing: readonly MissingPack[];

  constructor({ folder, store, log, clock }: FileStoreOptions) {
    this.packFolder = folder;
    this.tables = new ContentTables(store);
    this.packs = new OpenPacks(folder);
    this.#clock = clock;
    this.#missing = reconcilePacks(folder, this.tables, log);
    for (const { id, name } of this.tables.packs()) this.#names.set(id, name);
  }

  begin(): FileBatch {
    return new PackedFileBatch(this, this.hold());
  }

  /**
   * Keeps every file that is in the store there until disposed of. Hold from the first look-up of a deployment's content until its
   * image is named by something that garbage collection is told to keep: collection waits for it.
   */
  hold(): Disposable {
    return this.holds.hold();
  }

  has(hash: Uint8Array): boolean {
    return this.tables.hasFile(hash);
  }

  locate(hash: Uint8Array): Location | undefined {
    const place = this.tables.file(hash);
    return place === undefined ? undefined : this.#location(place);
  }

  /** The location of each, in the order asked for; some 2 µs a file. */
  locateMany(hashes: readonly Uint8Array[]): (Location | undefined)[] {
    return this.tables.findFiles(hashes).map((place) => place && this.#location(place));
  }

  locateEncoding(hash: Uint8Array, encoding: Encoding): Location | undefined {
    return this.#bestEncodings([hash])[0]?.[encoding];
  }

  /** Files with their compressed forms, in the order asked for: for an index of a whole site. */
  locateWithEncodings(hashes: readonly Uint8Array[]): (FileLocations | undefined)[] {
    const encodings = this.#bestEncodings(hashes);
    return this.locateMany(hashes).map((file, i) => file && { file, encodings: encodings[i] ?? {} });
  }

  async read(hash: Uint8Array): Promise<Buffer> {
    const location = this.locate(hash);
    if (location === undefined) throw corrupt(hash, "it is not in the file store");
    const content = await this.packs.read(location);
    if (!digest("sha256", content, "buffer").equals(hash)) {
      throw corrupt(hash, `the bytes in ${location.pack} at ${location.offset} are not what was written`);
    }
    return content;
  }

  /** The packs that were found damaged or gone when the store was opened, and what was lost with them. */
  missingPacks(): readonly MissingPack[] {
    return this.#missing;
  }

  register(pack: FinishedPack, items: readonly PackItem[]): boolean {
    return this.tables.store.transaction(() => {
      const id = this.tables.addPack(pack.name, pack.bytes, this.#clock.now());
      const added = this.tables.addFiles(id, items);
      if (added === 0) this.tables.removePack(id);
      else this.#names.set(id, pack.name);
      return added > 0;
    });
  }

  /** Makes compressed forms visible. False if none of them needs the pack. */
  registerEncodings(
    pack: FinishedPack | null,
    encodings: readonly EncodingPlace[],
    replaced: ReadonlyArray<{ hash: Uint8Array; encoder: string }>,
  ): boolean {
    return this.tables.store.transaction(() => {
      const id = pack === null ? null : this.tables.addPack(pack.name, pack.bytes, this.#clock.now());
      this.tables.addEncodings(id, encodings);
      for (const { hash, encoder } of replaced) this.tables.removeEncoding(hash, encoder);
      if (id === null || pack === null) return true;
      const used = this.tables.encodingsOfPack(id).length > 0;
      if (used) this.#names.set(id, pack.name);
      else this.tables.removePack(id);
      return used;
    });
  }

  /** Moves what lies in old packs to a new one, in one transaction; see compact-packs.ts. */
  registerMoved(pack: FinishedPack, move: (to: number) => number): boolean {
    return this.tables.store.transaction(() => {
      const id = this.tables.addPack(pack.name, pack.bytes, this.#clock.now());
      const moved = move(id);
      if (moved === 0) this.tables.removePack(id);
      else this.#names.set(id, pack.name);
      return moved > 0;
    });
  }

  /** Takes packs that no row names off the tables and then off the disk. Returns the bytes that were freed. */
  removePacks(unused: readonly PackRow[]): number {
    this.tables.store.transaction(() => {
      for (const { id } of unused) this.tables.removePack(id);
    });
    for (const { id, name } of unused) {
      this.#names.delete(id);
      rmSync(join(this.packFolder, name), { force: true });
    }
    this.packs.forget(unused.map((pack) => pack.name));
    if (unused.length > 0) syncFolder(this.packFolder);
    return unused.reduce((sum, pack) => sum + pack.bytes, 0);
  }

  close(): void {
    this.packs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #bestEncodings(hashes: readonly Uint8Array[]): Partial<Record<Encoding, Location>>[] {
    const found: Partial<Record<Encoding, Location>>[] = hashes.map(() => ({}));
    for (const { index, encoder, place } of this.tables.findEncodings(hashes)) {
      const form = encoderForm(encoder);
      const best = found[index];
      if (place === null || form === undefined || best === undefined) continue;
      if (place.size < (best[form]?.size ?? Number.POSITIVE_INFINITY)) best[form] = this.#location(place);
    }
    return found;
  }

  #location({ pack, offset, size }: Place): Location {
    const name = this.#names.get(pack);
    if (name === undefined) throw new Error(`pack ${pack} has no name`);
    return { pack: name, offset, size };
  }
}

/**
 * Opens the file store, having brought folder and tables into agreement: what a crash left half-made is removed, what is
 * gone is forgotten and reported by `missingPacks`.
 */
export function openFileStore(options: FileStoreOptions): PackedFileStore {
  return new PackedFileStore(options);
}

function corrupt(hash: Uint8Array, cause: string): SteppeError {
  const subject = Buffer.from(hash).toString("hex");
  return new SteppeError("CONTENT_CORRUPT", { operation: "read", subject, cause });
}
