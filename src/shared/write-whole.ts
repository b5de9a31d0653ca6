import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { syncFolder } from "./atomic-file.ts";
import { toSteppeError } from "./errors.ts";

/** Writes what comes to a file, which is there whole or not at all; resolves with its bytes. */
export async function writeWhole(file: string, content: AsyncIterable<Uint8Array>, mode: number): Promise<number> {
  const partial = `${file}.${process.pid}.tmp`;
  try {
    const target = createWriteStream(partial, { flags: "wx", mode, flush: true });
    await pipeline(Readable.from(content, { objectMode: false }), target);
    await rename(partial, file);
    syncFolder(dirname(file));
    return target.bytesWritten;
  } catch (error) {
    await rm(partial, { force: true });
    throw toSteppeError(error, "write", file);
  }
}
