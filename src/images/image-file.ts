import { hash as digest } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { SteppeError } from "../shared/errors.ts";
import type { Tree, TreeEntry } from "./types.ts";

/*
 * What is kept of an image, in `images/DIGEST.tree`:
 *
 *     8 bytes    "STPTREE1"
 *     32 bytes   SHA-256 of the rest before compression
 *     zstd of    manifest and config, each u32 length and JSON
 *                u32 count of files; their hashes, 32 bytes each; their layers, 1 byte each; their sizes, u48 each;
 *                their paths, UTF-8, with a zero between two
 *
 * All numbers are little-endian.
 */

const MAGIC = Buffer.from("STPTREE1", "latin1");
const HASH_BYTES = 32;
const SIZE_BYTES = 6;

export interface ImageFile {
  /** The OCI manifest: the bytes whose digest is the image's. */
  manifest: Buffer;
  /** The OCI config. */
  config: Buffer;
  /** Of a program, it is empty. */
  tree: Tree;
  /** For each file of the tree of a data image, the index of its layer in the manifest. */
  layers: Uint8Array;
}

export function encodeImageFile({ manifest, config, tree, layers }: ImageFile): Buffer {
  const sizes = Buffer.alloc(tree.length * SIZE_BYTES);
  tree.forEach(({ size }, i) => sizes.writeUIntLE(size, i * SIZE_BYTES, SIZE_BYTES));
  const payload = Buffer.concat([
    u32(manifest.length),
    manifest,
    u32(config.length),
    config,
    u32(tree.length),
    ...tree.map(({ hash }) => hash),
    layers,
    sizes,
    Buffer.from(tree.map(({ path }) => path).join("\0")),
  ]);
  return Buffer.concat([MAGIC, digest("sha256", payload, "buffer"), zstdCompressSync(payload)]);
}

/** Throws CONTENT_CORRUPT if one bit of it is not as it was written. `subject` names it in the error. */
export function decodeImageFile(file: Buffer, subject: string): ImageFile {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw corrupt(subject, "this is no tree of an image");
  const start = MAGIC.length + HASH_BYTES;
  const payload = decompress(file.subarray(start), subject);
  if (!digest("sha256", payload, "buffer").equals(file.subarray(MAGIC.length, start))) {
    throw corrupt(subject, "its checksum is wrong");
  }
  let at = 0;
  const take = (length: number): Buffer => payload.subarray(at, (at += length));
  const manifest = take(take(4).readUInt32LE());
  const config = take(take(4).readUInt32LE());
  const count = take(4).readUInt32LE();
  const hashes = take(count * HASH_BYTES);
  const layers = take(count);
  const sizes = take(count * SIZE_BYTES);
  const paths = count === 0 ? [] : payload.toString("utf8", at).split("\0");
  const tree = paths.map((path, i): TreeEntry => ({
    path,
    hash: hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    size: sizes.readUIntLE(i * SIZE_BYTES, SIZE_BYTES),
  }));
  return { manifest, config, tree, layers };
}

function decompress(bytes: Buffer, subject: string): Buffer {
  try {
    return zstdDecompressSync(bytes);
  } catch (error) {
    throw new SteppeError("CONTENT_CORRUPT", parts(subject, "it cannot be decompressed"), { cause: error });
  }
}

function corrupt(subject: string, cause: string): SteppeError {
  return new SteppeError("CONTENT_CORRUPT", parts(subject, cause));
}

function parts(subject: string, cause: string): { operation: string; subject: string; cause: string } {
  return { operation: "read", subject, cause };
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
