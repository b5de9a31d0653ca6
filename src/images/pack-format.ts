import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { SteppeError } from "../shared/errors.ts";

/*
 * A pack is
 *
 *     8 bytes    "STPPACK1"
 *     …          the contents, one after the other, with dead bytes between them where something was given up
 *     trailer    u16 count of encoder names, each as u8 length and ASCII
 *                u32 count of items, each 48 bytes: SHA-256 of the file (32), offset (u48), size (u48),
 *                encoder (u16: 0 is the file as it is, n the n-th name), 2 bytes zero
 *     56 bytes   SHA-256 of the trailer (32), offset of the trailer (u48, then 2 bytes zero), its length (the same), "STPINDX1"
 *
 * All numbers are little-endian. The table in SQLite is what is read day to day; the trailer makes a pack describe itself,
 * so that an index can be made again from packs alone.
 */

export const PACK_HEADER = Buffer.from("STPPACK1", "latin1");
const FOOTER_MAGIC = Buffer.from("STPINDX1", "latin1");
const ITEM_BYTES = 48;
const FOOTER_BYTES = 56;

/** Something in a pack: a file, or with `encoder` a compressed form of it. */
export interface PackItem {
  /** SHA-256 of the file; of a compressed form, that of the file it was made from. */
  hash: Uint8Array;
  offset: number;
  size: number;
  encoder: string | null;
}

/** How large a pack is that holds so many items of so many bytes, but for the names of encoders and the two counts. */
export function packBytes(items: number, bytes: number): number {
  return PACK_HEADER.length + bytes + items * ITEM_BYTES + FOOTER_BYTES;
}

/** The trailer and the footer of a pack whose contents end at `offset`. */
export function encodePackIndex(items: readonly PackItem[], offset: number): Buffer {
  const encoders = [...new Set(items.flatMap((item) => item.encoder ?? []))];
  const names = encoders.map((name) => Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1")]));
  const head = Buffer.concat([u16(encoders.length), ...names, u32(items.length)]);
  const trailer = Buffer.alloc(head.length + items.length * ITEM_BYTES);
  head.copy(trailer);
  let at = head.length;
  for (const item of items) {
    trailer.set(item.hash, at);
    trailer.writeUIntLE(item.offset, at + 32, 6);
    trailer.writeUIntLE(item.size, at + 38, 6);
    trailer.writeUInt16LE(item.encoder === null ? 0 : encoders.indexOf(item.encoder) + 1, at + 44);
    at += ITEM_BYTES;
  }
  const footer = Buffer.alloc(FOOTER_BYTES);
  createHash("sha256").update(trailer).digest().copy(footer);
  footer.writeUIntLE(offset, 32, 6);
  footer.writeUIntLE(trailer.length, 40, 6);
  FOOTER_MAGIC.copy(footer, 48);
  return Buffer.concat([trailer, footer]);
}

/** What a pack says of itself. Throws CONTENT_CORRUPT if any of it is not as it was written. */
export function readPackIndex(path: string): PackItem[] {
  const fd = openSync(path, "r");
  try {
    const length = fstatSync(fd).size;
    if (length < PACK_HEADER.length + FOOTER_BYTES) throw corrupt(path, `it has only ${length} bytes`);
    const footer = readAt(fd, length - FOOTER_BYTES, FOOTER_BYTES);
    const offset = footer.readUIntLE(32, 6);
    const size = footer.readUIntLE(40, 6);
    if (!footer.subarray(48).equals(FOOTER_MAGIC) || offset + size + FOOTER_BYTES !== length) {
      throw corrupt(path, "its end is not the end of a pack");
    }
    const trailer = readAt(fd, offset, size);
    if (!createHash("sha256").update(trailer).digest().equals(footer.subarray(0, 32))) {
      throw corrupt(path, "the checksum of its index is wrong");
    }
    return decodeTrailer(trailer);
  } finally {
    closeSync(fd);
  }
}

function decodeTrailer(trailer: Buffer): PackItem[] {
  let at = 2;
  const encoders: string[] = [];
  for (let count = trailer.readUInt16LE(0); count > 0; count--) {
    const length = trailer.readUInt8(at);
    encoders.push(trailer.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const items: PackItem[] = [];
  const count = trailer.readUInt32LE(at);
  at += 4;
  for (let i = 0; i < count; i++, at += ITEM_BYTES) {
    const encoder = trailer.readUInt16LE(at + 44);
    items.push({
      hash: trailer.subarray(at, at + 32),
      offset: trailer.readUIntLE(at + 32, 6),
      size: trailer.readUIntLE(at + 38, 6),
      encoder: encoder === 0 ? null : (encoders[encoder - 1] ?? null),
    });
  }
  return items;
}

function readAt(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
}

function corrupt(path: string, cause: string): SteppeError {
  return new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: path, cause });
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
