import { copyFile, link, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errno } from "../shared/errors.ts";

/** How often the list of objects may differ from one look to the next before we give up. */
const MOST_LOOKS = 50;

/**
 * Copies a bare git repository while pushes and `git gc` run on it, so that every object that a copied ref needs is in the copy.
 *
 * The refs come first: git writes a ref only after all of its objects, so what they need is there from then on. Loose refs
 * come before packed ones, since `git pack-refs` moves them that way. Objects never change once they have their name, so they are
 * hard links, and take no space; but `git gc` moves them from file to file, always making the new file before it removes the old
 * one. So the objects are listed until two lists in a row are the same: then each object was in a file that both of them name.
 *
 * Hooks, locks, unfinished objects and what git derives by itself (commit graphs, pack lists) are left out.
 */
export async function snapshotRepository(repository: string, into: string): Promise<void> {
  for (const folder of ["objects", "refs"]) await mkdir(join(into, folder), { recursive: true, mode: 0o700 });
  for await (const file of listFiles(repository, "refs")) await copyIfThere(repository, into, file);
  for (const file of ["packed-refs", "HEAD", "config"]) await copyIfThere(repository, into, file);

  const linked = new Set<string>();
  let before: string | undefined;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const files: string[] = [];
    for await (const file of listFiles(repository, "objects", isObjectFile)) files.push(file);
    for (const file of files) {
      if (!linked.has(file) && (await linkIfThere(repository, into, file))) linked.add(file);
    }
    const now = files.sort().join("\n");
    if (now === before && files.every((file) => linked.has(file))) return;
    before = now;
  }
  throw new Error(`the objects of ${repository} did not hold still for a copy`);
}

/** Whether a name in `objects/` is an object or a pack of its own, and whole. */
function isObjectFile(path: string): boolean {
  return /^objects\/(?:[0-9a-f]{2}\/[0-9a-f]+|pack\/pack-[0-9a-f]+\.(?:pack|idx|rev|mtimes))$/.test(path);
}

/** Every file below a folder, as paths relative to the root. Folders that vanish meanwhile are empty. */
async function* listFiles(
  root: string,
  folder: string,
  wanted: (path: string) => boolean = isNoLock,
): AsyncGenerator<string> {
  for (const entry of await readdirIfThere(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* listFiles(root, path, wanted);
    else if (entry.isFile() && wanted(path)) yield path;
  }
}

function isNoLock(path: string): boolean {
  return !path.endsWith(".lock");
}

async function readdirIfThere(folder: string): Promise<import("node:fs").Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
}

async function copyIfThere(root: string, into: string, file: string): Promise<boolean> {
  return ifThere(into, file, () => copyFile(join(root, file), join(into, file)));
}

async function linkIfThere(root: string, into: string, file: string): Promise<boolean> {
  return ifThere(into, file, () => link(join(root, file), join(into, file)));
}

/** Whether `make` found its file. */
async function ifThere(into: string, file: string, make: () => Promise<void>): Promise<boolean> {
  await mkdir(dirname(join(into, file)), { recursive: true, mode: 0o700 });
  try {
    await make();
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
}
