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
  readonly #positions: number[] = [];
  readonly #packs = new NameTable();
  readonly #types = new NameTable();

  /** Takes a file up; one that visitors may not see is passed over. */
  add(entry: SiteIndexEntry): void {
    const { path } = entry;
    if (!isServed(path)) return;
    const named = hashNamed(path);
    let flags = named === "sure" ? FLAG_IMMUTABLE | FLAG_KEPT_IN_GRACE : named === "perhaps" ? FLAG_KEPT_IN_GRACE : 0;
    for (const encoding of ENCODINGS) if (entry[encoding] !== undefined) flags |= FORM_FLAGS[encoding];
    const at = this.#used;
    const pathAt = at + ENTRY.forms + formCount(flags) * FORM.size;
    this.#makeRoom(pathAt + path.length * 3); // a UTF-16 unit is at most three bytes of UTF-8
    const bytes = this.#entries;
    const pathLength = bytes.write(path, pathAt);
    bytes.writeUInt16LE(pathLength, at + ENTRY.pathLength);
    bytes.writeUInt16LE(this.#types.idOf(mediaType(path)), at + ENTRY.mediaType);
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
    this.#positions.push(at);
    this.#used = pathAt + pathLength;
  }

  finish(options: SiteIndexOptions): Buffer {
    const tables = Buffer.concat([this.#packs.encode(), this.#types.encode()]);
    const slotCount = slotsFor(this.#positions.length);
    const slotsAt = (HEADER.size + tables.length + 3) & ~3;
    const entriesAt = slotsAt + slotCount * 4;
    const index = Buffer.alloc(entriesAt + this.#used);
    tables.copy(index, HEADER.size);
    this.#entries.copy(index, entriesAt, 0, this.#used);
    const slots = new Uint32Array(slotCount);
    for (const position of this.#positions) fillSlot(index, slots, entriesAt + position);
    for (const [i, entry] of slots.entries()) index.writeUInt32LE(entry, slotsAt + i * 4);
    index.writeUInt32LE(MAGIC, HEADER.magic);
    index.writeUInt16LE(FORMAT_VERSION, HEADER.version);
    index.writeUInt32LE(index.length, HEADER.length);
    index.writeUInt32LE(this.#positions.length, HEADER.entryCount);
    index.writeUInt32LE(slotCount, HEADER.slotCount);
    index.writeUInt32LE(slotsAt, HEADER.slotsAt);
    index.writeUInt32LE(entriesAt, HEADER.entriesAt);
    index.writeDoubleLE(options.modifiedAt, HEADER.modifiedAt);
    const notFound = Buffer.from(options.notFoundPage);
    index.writeUInt32LE(slots[slotOf(index, slots, notFound)] ?? 0, HEADER.notFoundAt);
    index.writeUInt32LE(crc32(index.subarray(CHECKED_FROM)), HEADER.crc);
    return index;
  }

  /** Makes the block of entries at least so long. */
  #makeRoom(size: number): void {
    if (size <= this.#entries.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#entries.length * 2, size));
    this.#entries.copy(larger, 0, 0, this.#used);
    this.#entries = larger;
  }
}

/** A power of two, at most three quarters full, with one empty slot at least: it ends every search. */
function slotsFor(count: number): number {
  let slots = 4;
  while (slots * 3 < count * 4) slots *= 2;
  return slots;
}

/** @param entry the position of the entry */
function fillSlot(index: Buffer, slots: Uint32Array, entry: number): void {
  const start = pathStart(index, entry);
  const path = index.subarray(start, start + index.readUInt16LE(entry + ENTRY.pathLength));
  const slot = slotOf(index, slots, path);
  if (slots[slot] !== 0) throw new Error(`the path ${path.toString()} comes twice`);
  slots[slot] = entry;
}

/** The number of the slot that holds the path, or of the empty one where it would be. */
function slotOf(index: Buffer, slots: Uint32Array, path: Uint8Array): number {
  const mask = slots.length - 1;
  for (let slot = hashPath(path) & mask; ; slot = (slot + 1) & mask) {
    const entry = slots[slot] ?? 0;
    if (entry === 0 || isPath(index, entry, path)) return slot;
  }
}

function isPath(index: Buffer, entry: number, path: Uint8Array): boolean {
  if (index.readUInt16LE(entry + ENTRY.pathLength) !== path.length) return false;
  const start = pathStart(index, entry);
  return index.compare(path, 0, path.length, start, start + path.length) === 0;
}

function pathStart(index: Buffer, entry: number): number {
  return entry + ENTRY.forms + formCount(index.readUInt8(entry + ENTRY.flags)) * FORM.size;
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
