import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errno, SteppeError } from "../../shared/errors.ts";
import { ByteReader } from "../byte-reader.ts";

const GZIP = Buffer.of(0x1f, 0x8b, 0x08);
const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);
/** A frame that is to be skipped, as layers of the kind zstd:chunked may begin with: 0x184D2A50 to …5F. */
const ZSTD_SKIPPED = Buffer.of(0x2a, 0x4d, 0x18);
const OTHERS: ReadonlyArray<[string, Buffer]> = [
  ["bzip2", Buffer.from("BZh")],
  ["xz", Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a)],
];
const REST_BYTES = 256 * 1024;

/** How the blob of a layer is compressed; told by its first bytes, as Docker does, since media types are not always true. */
export function compressionOf(begin: Buffer): "none" | "gzip" | "zstd" | "unknown" {
  const has = (magic: Buffer, at = 0): boolean => begin.subarray(at, at + magic.length).equals(magic);
  if (has(GZIP)) return "gzip";
  if (has(ZSTD) || (((begin[0] ?? 0) & 0xf0) === 0x50 && has(ZSTD_SKIPPED, 1))) return "zstd";
  return OTHERS.some(([, magic]) => has(magic)) ? "unknown" : "none";
}

/**
 * The tar archive in the blob of a layer, as a stream.
 * Throws IMAGE_INVALID if it cannot be decompressed, and what the content throws.
 *
 * @param subject what the layer is, in messages
 */
export async function* layerArchive(
  content: AsyncIterable<Buffer>,
  subject: string,
): AsyncGenerator<Buffer, void, void> {
  await using reader = new ByteReader(content);
  const begin = await reader.read(6);
  const compression = compressionOf(begin);
  if (compression === "unknown")
    throw invalid(subject, "it is compressed in a way that is not known; gzip and zstd are");
  const all = joined(begin, reader);
  if (compression === "none") yield* all;
  else yield* decompressed(all, compression === "gzip" ? createGunzip() : createZstdDecompress(), subject);
}

async function* joined(begin: Buffer, reader: ByteReader): AsyncGenerator<Buffer, void, void> {
  yield begin;
  for (;;) {
    let more = false;
    for await (const piece of reader.take(REST_BYTES)) {
      more = true;
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    }
    if (!more) return;
  }
}

async function* decompressed(
  content: AsyncIterable<Buffer>,
  decompress: Transform,
  subject: string,
): AsyncGenerator<Buffer, void, void> {
  const feeding = pipeline(Readable.from(content, { objectMode: false }), decompress);
  feeding.catch(() => {}); // the iteration below throws the same, unless it is left early
  try {
    for await (const chunk of decompress as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (!/^(Z_|ZSTD_)/.test(errno(error) ?? "")) throw error;
    const parts = { operation: "read", subject, cause: "it cannot be decompressed" };
    throw new SteppeError("IMAGE_INVALID", parts, { cause: error });
  } finally {
    decompress.destroy();
    await feeding.catch(() => {}); // so that nothing is read any more when this has ended
  }
}

function invalid(subject: string, cause: string): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "read", subject, cause });
}
