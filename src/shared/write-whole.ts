import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { syncFolder } from "./atomic-file.ts";
import { errno } from "./errors.ts";
import { unwritable } from "./unwritable.ts";

/** Writes what comes to a file, which is there whole or not at all; resolves with its bytes. Throws USAGE if it cannot be there, DISK_FULL. */
export async function writeWhole(file: string, content: AsyncIterable<Uint8Array>, mode: number): Promise<number> {
  const partial = `${file}.${process.pid}.tmp`;
  try {
    const target = createWriteStream(partial, { flags: "wx", mode, flush: true });
    await pipeline(Readable.from(content, { objectMode: false }), target);
    await rename(partial, file);
    syncFolder(dirname(file));
    return target.bytesWritten;
  } catch (error) {
    if (errno(error) !== "ENOTDIR") await rm(partial, { force: true }); // below a file there is nothing
    throw unwritable(error, "write", file);
  }
}
