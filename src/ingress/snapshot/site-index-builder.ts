import { crc32 } from "node:zlib";
import type { PackRange } from "../../site-server/index.ts";
import { hashNamed } from "./hash-named.ts";
import { mediaType } from "./media-types.ts";
import { isServed } from "./served-path.ts";
import {
  CHECKED_FROM,
  ENCODINGS,
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

export interface SiteIndexEntry {
  /** Relative, `/` between names, at most 1,024 bytes of UTF-8. */
  path: string;
  /** SHA-256 of the content. */
  hash: Uint8Array;
  identity: PackRange;
  br?: PackRange | undefined;
  zstd?: PackRange | undefined;
  gzip?: PackRange | undefined;
}

export interface SiteIndexOptions {
  /** A path within the site; used if it is there. */
  notFoundPage: string;
  /** For `Last-Modified`: seconds since 1970, different for each release of an app. */
  modifiedAt: number;
}

/** Compiles entries, of which each path may come once, into the bytes of a site index. */
export function buildSiteIndex(entries: Iterable<SiteIndexEntry>, options: SiteIndexOptions): Buffer {
  const builder = new SiteIndexBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.finish(options);
}

/** The same, entry by entry, for those who must let others run in between. */
export class SiteIndexBuilder {
  #entries = Buffer.allocUnsafe(16 << 10);
  #used = 0;
  #count = 0;
  readonly #packs = new NameTable();
  readonly #types = new NameTable();

  /** Takes a file up; one that visitors may not see is passed over. */
  add(entry: SiteIndexEntry): void {
    if (!isServed(entry.path)) return;
    const path = Buffer.from(entry.path);
    const named = hashNamed(entry.path);
    let flags = named === "sure" ? FLAG_IMMUTABLE | FLAG_KEPT_IN_GRACE : named === "perhaps" ? FLAG_KEPT_IN_GRACE : 0;
    for (const encoding of ENCODINGS) if (entry[encoding] !== undefined) flags |= FORM_FLAGS[encoding];
    const size = ENTRY.forms + formCount(flags) * FORM.size + path.length;
    const at = this.#reserve(size);
    const bytes = this.#entries;
    bytes.writeUInt16LE(path.length, at + ENTRY.pathLength);
    bytes.writeUInt16LE(this.#types.idOf(mediaType(entry.path)), at + ENTRY.mediaType);
    bytes.writeUInt8(flags, at + ENTRY.flags);
    bytes.set(entry.hash.subarray(0, ENTRY.tagBytes), at + ENTRY.tag);
    let form = at + ENTRY.forms;
    for (const range of [entry.identity, entry.br, entry.zstd, entry.gzip]) {
      if (range === undefined) continue;
      bytes.writeUInt16LE(this.#packs.idOf(range.pack), form + FORM.pack);
      bytes.writeUIntLE(range.offset, form + FORM.offset, 6);
      bytes.writeUIntLE(range.size, form + FORM.bytes, 6);
      form += FORM.size;
    }
    bytes.set(path, form);
    this.#count++;
  }

  finish(options: SiteIndexOptions): Buffer {
    const tables = Buffer.concat([this.#packs.encode(), this.#types.encode()]);
    const slotCount = slotsFor(this.#count);
    const slotsAt = (HEADER.size + tables.length + 3) & ~3;
    const entriesAt = slotsAt + slotCount * 4;
    const index = Buffer.alloc(entriesAt + this.#used);
    tables.copy(index, HEADER.size);
    this.#entries.copy(index, entriesAt, 0, this.#used);
    fillSlots(index, slotsAt, slotCount, entriesAt);
    index.writeUInt32LE(MAGIC, HEADER.magic);
    index.writeUInt16LE(FORMAT_VERSION, HEADER.version);
    index.writeUInt32LE(index.length, HEADER.length);
    index.writeUInt32LE(this.#count, HEADER.entryCount);
    index.writeUInt32LE(slotCount, HEADER.slotCount);
    index.writeUInt32LE(slotsAt, HEADER.slotsAt);
    index.writeUInt32LE(entriesAt, HEADER.entriesAt);
    index.writeDoubleLE(options.modifiedAt, HEADER.modifiedAt);
    const notFound = Buffer.from(options.notFoundPage);
    index.writeUInt32LE(index.readUInt32LE(slotOf(index, slotsAt, slotCount, notFound)), HEADER.notFoundAt);
    index.writeUInt32LE(crc32(index.subarray(CHECKED_FROM)), HEADER.crc);
    return index;
  }

  /** Makes room for an entry and returns its position. */
  #reserve(size: number): number {
    if (this.#used + size > this.#entries.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#entries.length * 2, this.#used + size));
      this.#entries.copy(larger, 0, 0, this.#used);
      this.#entries = larger;
    }
    const at = this.#used;
    this.#used += size;
    return at;
  }
}

/** A power of two, at most three quarters full, with one empty slot at least: it ends every search. */
function slotsFor(count: number): number {
  let slots = 4;
  while (slots * 3 < count * 4) slots *= 2;
  return slots;
}

function fillSlots(index: Buffer, slotsAt: number, slotCount: number, entriesAt: number): void {
  for (let at = entriesAt; at < index.length;) {
    const path = pathOf(index, at);
    const slot = slotOf(index, slotsAt, slotCount, path);
    if (index.readUInt32LE(slot) !== 0) throw new Error(`the path ${path.toString()} comes twice`);
    index.writeUInt32LE(at, slot);
    at += ENTRY.forms + formCount(index.readUInt8(at + ENTRY.flags)) * FORM.size + path.length;
  }
}

/** The position of the slot that holds the path, or of the empty one where it would be. */
function slotOf(index: Buffer, slotsAt: number, slotCount: number, path: Uint8Array): number {
  for (let slot = hashPath(path) & (slotCount - 1); ; slot = (slot + 1) & (slotCount - 1)) {
    const position = slotsAt + slot * 4;
    const entry = index.readUInt32LE(position);
    if (entry === 0 || pathOf(index, entry).equals(path)) return position;
  }
}

function pathOf(index: Buffer, entry: number): Buffer {
  const start = entry + ENTRY.forms + formCount(index.readUInt8(entry + ENTRY.flags)) * FORM.size;
  return index.subarray(start, start + index.readUInt16LE(entry + ENTRY.pathLength));
}

/** Numbers names in the order in which they come. */
class NameTable {
  readonly #ids = new Map<string, number>();

  idOf(name: string): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#ids.size;
      if (id > 0xffff) throw new Error("a site index has room for 65,536 packs");
      this.#ids.set(name, id);
    }
    return id;
  }

  encode(): Buffer {
    const count = Buffer.alloc(2);
    count.writeUInt16LE(this.#ids.size);
    const names = [...this.#ids.keys()].map((name) => {
      const text = Buffer.from(name);
      const length = Buffer.alloc(2);
      length.writeUInt16LE(text.length);
      return Buffer.concat([length, text]);
    });
    return Buffer.concat([count, ...names]);
  }
}
