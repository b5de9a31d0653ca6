import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname } from "node:path";

/** What fits into `sun_path` on Linux, with its final NUL (unix(7)). */
const MOST_BYTES = 107;

/**
 * Calls `use` with a path by which a Unix socket can be bound or connected to, however deep its folder lies: a long one goes by a
 * descriptor of the folder. The path is valid until `use` resolves.
 */
export async function withSocketPath<Result>(path: string, use: (path: string) => Promise<Result>): Promise<Result> {
  if (Buffer.byteLength(path) <= MOST_BYTES) return use(path);
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}
