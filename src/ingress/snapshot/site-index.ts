import { crc32 } from "node:zlib";
import type { PackRange, SiteFile, SiteLookup } from "../../site-server/index.ts";
import { SteppeError } from "../../shared/errors.ts";
import {
  CHECKED_FROM,
  ENTRY,
  FLAG_IMMUTABLE,
  FLAG_KEPT_IN_GRACE,
  FORM,
  FORM_FLAGS,
  FORMAT_VERSION,
  formCount,
  hashPath,
  HEADER,
  MAGIC,
} from "./site-index-format.ts";

/** Reads a site index in place. `site-index-format.ts` describes the bytes. */
export class SiteIndex implements SiteLookup {
  readonly entryCount: number;
  readonly modifiedAt: number;
  /** The names of the packs that the files lie in. */
  readonly packs: readonly string[];
  readonly #bytes: Buffer;
  readonly #types: readonly string[];
  readonly #slotsAt: number;
  readonly #slotCount: number;

  private constructor(bytes: Buffer, subject: string) {
    this.#bytes = bytes;
    this.entryCount = bytes.readUInt32LE(HEADER.entryCount);
    this.modifiedAt = bytes.readDoubleLE(HEADER.modifiedAt);
    this.#slotsAt = bytes.readUInt32LE(HEADER.slotsAt);
    this.#slotCount = bytes.readUInt32LE(HEADER.slotCount);
    if (!isPowerOfTwo(this.#slotCount) || this.#slotsAt + this.#slotCount * 4 > bytes.length) {
      throw damaged(subject, "its table lies outside of it");
    }
    if (this.entryCount >= this.#slotCount) throw damaged(subject, "its table is too full");
    const tables = readTables(bytes, subject);
    this.packs = tables.packs;
    this.#types = tables.types;
  }

  /**
   * Takes the bytes of an index, which must not change afterwards.
   * Throws CONTENT_CORRUPT if they are not whole.
   *
   * @param subject what to call it in an error: the file's path
   */
  static load(bytes: Buffer, subject = "the site index"): SiteIndex {
    if (bytes.length < HEADER.size || bytes.readUInt32LE(HEADER.magic) !== MAGIC) {
      throw damaged(subject, "it is no site index");
    }
    if (bytes.readUInt16LE(HEADER.version) !== FORMAT_VERSION) throw damaged(subject, "it is of another version");
    if (bytes.readUInt32LE(HEADER.length) !== bytes.length) throw damaged(subject, "it is not whole");
    if (bytes.readUInt32LE(HEADER.crc) !== crc32(bytes.subarray(CHECKED_FROM))) {
      throw damaged(subject, "its check sum is wrong");
    }
    return new SiteIndex(bytes, subject);
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  find(path: Uint8Array): SiteFile | undefined {
    const entry = this.#entryOf(path);
    return entry === 0 ? undefined : this.#file(entry);
  }

  get notFoundPage(): SiteFile | undefined {
    const entry = this.#bytes.readUInt32LE(HEADER.notFoundAt);
    return entry === 0 ? undefined : this.#file(entry);
  }

  /** The position of the path's entry, or 0. Probing ends after a round, whatever the table holds. */
  #entryOf(path: Uint8Array): number {
    const mask = this.#slotCount - 1;
    let slot = hashPath(path) & mask;
    for (let tries = 0; tries <= mask; tries++, slot = (slot + 1) & mask) {
      const entry = this.#bytes.readUInt32LE(this.#slotsAt + slot * 4);
      if (entry === 0) return 0;
      if (this.#hasPath(entry, path)) return entry;
    }
    return 0;
  }

  /** Compares where it lies: this runs some times for each request. Positions outside throw RangeError. */
  #hasPath(entry: number, path: Uint8Array): boolean {
    const bytes = this.#bytes;
    if (bytes.readUInt16LE(entry + ENTRY.pathLength) !== path.length) return false;
    const start = entry + ENTRY.forms + formCount(bytes.readUInt8(entry + ENTRY.flags)) * FORM.size;
    for (let i = 0; i < path.length; i++) if (bytes[start + i] !== path[i]) return false;
    return true;
  }

  #file(entry: number): SiteFile {
    const bytes = this.#bytes;
    const flags = bytes.readUInt8(entry + ENTRY.flags);
    let at = entry + ENTRY.forms;
    const identity = this.#form(at);
    const next = (flag: number): PackRange | undefined =>
      (flags & flag) === 0 ? undefined : this.#form((at += FORM.size));
    return {
      mediaType: this.#types[bytes.readUInt16LE(entry + ENTRY.mediaType)] ?? "application/octet-stream",
      tag: bytes.toString("base64url", entry + ENTRY.tag, entry + ENTRY.tag + ENTRY.tagBytes),
      immutable: (flags & FLAG_IMMUTABLE) !== 0,
      keptInGrace: (flags & FLAG_KEPT_IN_GRACE) !== 0,
      identity,
      br: next(FORM_FLAGS.br),
      zstd: next(FORM_FLAGS.zstd),
      gzip: next(FORM_FLAGS.gzip),
    };
  }

  #form(at: number): PackRange {
    const pack = this.packs[this.#bytes.readUInt16LE(at + FORM.pack)];
    if (pack === undefined) throw damaged("the site index", "it names a pack that it does not list");
    const offset = this.#bytes.readUIntLE(at + FORM.offset, 6);
    return { pack, offset, size: this.#bytes.readUIntLE(at + FORM.bytes, 6) };
  }
}

function readTables(bytes: Buffer, subject: string): { packs: string[]; types: string[] } {
  let at: number = HEADER.size;
  const table = (): string[] => {
    const names: string[] = [];
    const count = bytes.readUInt16LE(at);
    at += 2;
    for (let i = 0; i < count; i++) {
      const length = bytes.readUInt16LE(at);
      names.push(bytes.toString("utf8", at + 2, at + 2 + length));
      at += 2 + length;
    }
    return names;
  };
  const packs = table();
  const types = table();
  // A pack is a plain name in the folder of packs: nothing that an index says may lead out of it.
  if (packs.some((name) => !/^[A-Za-z0-9][\w.-]*$/.test(name))) throw damaged(subject, "a pack's name is no file name");
  return { packs, types };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function damaged(subject: string, cause: string): SteppeError {
  return new SteppeError("CONTENT_CORRUPT", { operation: "read", subject, cause });
}
