import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Location } from "../../images/index.ts";
import { SteppeError } from "../../shared/errors.ts";

/** Reads a small content out of its pack. Throws CONTENT_CORRUPT if the pack is shorter, or the system's error. */
export function readContent(packFolder: string, { pack, offset, size }: Location): Buffer {
  const bytes = Buffer.alloc(size);
  const fd = openSync(join(packFolder, pack), "r");
  try {
    for (let done = 0; done < size;) {
      const read = readSync(fd, bytes, done, size - done, offset + done);
      if (read === 0) {
        const cause = `it ends at ${offset + done}, ${size - done} bytes short`;
        throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: `pack ${pack}`, cause });
      }
      done += read;
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}
