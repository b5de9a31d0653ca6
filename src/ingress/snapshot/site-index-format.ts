/**
 * The site index: a release's files, compiled into one block of bytes that is loaded by one read and looked up in
 * place, without an object per file. All numbers are little-endian.
 *
 *     header    64 bytes, see HEADER
 *     tables    the packs' names, then the media types: each a count (u16) and strings (u16 length, UTF-8)
 *     slots     slotCount × u32: an open-addressing hash table (linear probing, FNV-1a of the path); 0 is empty,
 *               else the position of an entry
 *     entries   one after another, see ENTRY
 *
 * The check sum (CRC-32) covers all that follows it. Who reads checks every position against the length too: a
 * damaged index must never become a wrong answer.
 */
export const MAGIC = 0x49535053; // "SPSI"
export const FORMAT_VERSION = 1;

export const HEADER = {
  size: 64,
  magic: 0,
  crc: 4,
  version: 8,
  length: 12,
  entryCount: 16,
  slotCount: 20,
  slotsAt: 24,
  entriesAt: 28,
  /** Position of the entry of the not-found page, or 0. */
  notFoundAt: 32,
  /** Seconds since 1970, f64. */
  modifiedAt: 40,
} as const;

/** The check sum covers everything from here on. */
export const CHECKED_FROM = 8;

/**
 * pathLength u16, mediaType u16, flags u8, tag 16 bytes (the first half of the content's SHA-256), then a form for the file as it
 * is and for each encoding that the flags name (in the order of FORM_FLAGS), then the path.
 */
export const ENTRY = { pathLength: 0, mediaType: 2, flags: 4, tag: 5, forms: 21, tagBytes: 16 } as const;

/** pack u16, offset u48, size u48. */
export const FORM = { size: 14, pack: 0, offset: 2, bytes: 8 } as const;

export const FORM_FLAGS = { br: 1, zstd: 2, gzip: 4 } as const;
export const FLAG_IMMUTABLE = 8;
export const FLAG_KEPT_IN_GRACE = 16;

export const ENCODINGS = ["br", "zstd", "gzip"] as const;

/** 32-bit FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hashPath(path: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) {
    hash ^= path[i] ?? 0;
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The number of forms that flags tell of. */
export function formCount(flags: number): number {
  return 1 + (flags & 1) + ((flags >> 1) & 1) + ((flags >> 2) & 1);
}
