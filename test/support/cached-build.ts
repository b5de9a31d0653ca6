import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** In a folder, what a build can depend on: C, its headers, TypeScript and AssemblyScript, but for tests. */
const SOURCE = /(?<!\.test)\.(?:c|h|ts)$/;

/** Of the native host: what every build of it depends on. */
export const NATIVE_SOURCES: readonly string[] = [
  "src/site-server/core",
  "src/site-server/native",
  "scripts/site-server",
  "scripts/build-core.ts",
];

/**
 * Builds something, unless it is there already: it is kept in the system's folder for temporary files under the hash of its sources, since
 * several test files want it, and the soaks.
 *
 * @param name how what is kept is called, before the hash
 * @param sources files and folders of the repository that it is made of
 * @param build makes it in an empty folder, which is removed afterwards; returns the path, in that folder, of what is kept: a file or a folder
 * @returns its path
 */
export async function cachedBuild(
  name: string,
  sources: readonly string[],
  build: (folder: string) => Promise<string>,
): Promise<string> {
  const kept = join(tmpdir(), `${name}-${hashOf(sources)}`);
  if (existsSync(kept)) return kept;
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    const built = await build(folder);
    // Another process may have built the same meanwhile.
    if (!existsSync(kept)) renameSync(built, kept);
    return kept;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function hashOf(sources: readonly string[]): string {
  const hash = createHash("sha256");
  for (const source of sources) {
    const files = source.endsWith(".ts") ? [source] : filesOf(source);
    for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => SOURCE.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}
