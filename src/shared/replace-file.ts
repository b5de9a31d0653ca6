import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Replaces a file of a cache, in a folder that is made if need be: whoever reads it meanwhile finds the old or the new, whole. Unlike `writeFileAtomic`
 * it does not wait for the disk: after a power failure the file may hold anything, which its reader has to notice.
 * Throws what the file system throws; the file is then as it was.
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  // Containers that share a folder may share process ids, too.
  const partial = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(partial, content, { mode: 0o600, flag: "wx" });
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
