import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { errno } from "../shared/errors.ts";

/**
 * Ends processes of git that an earlier control process left behind, found by what their environment says: an ended
 * control process cannot be told of a push that was under way, and locks can only be taken away when nobody holds them.
 *
 * @param root the folder of repositories, which is theirs alone
 */
export async function endLeftProcesses(root: string): Promise<void> {
  const marks = [`\0GIT_PROJECT_ROOT=${root}\0`, `\0GIT_DIR=${root}/`];
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  for (const id of ids) {
    const environment = `\0${await readOrNothing(`/proc/${id}/environ`)}`;
    if (!marks.some((mark) => environment.includes(mark))) continue;
    try {
      process.kill(Number(id), "SIGKILL");
    } catch (error) {
      if (errno(error) !== "ESRCH") throw error;
    }
  }
}

/** Removes what git left in a repository when it was killed: locks, and objects that were on their way in. */
export async function removeLeftFiles(repository: string): Promise<void> {
  const objects = join(repository, "objects");
  for (const name of await namesIn(objects)) {
    if (/^(tmp_objdir-|incoming-|tmp_obj_)/.test(name)) await rm(join(objects, name), { recursive: true, force: true });
  }
  for (const name of await namesIn(join(objects, "pack"))) {
    if (/^(tmp_|\.tmp-)/.test(name)) await rm(join(objects, "pack", name), { force: true });
  }
  for (const name of await namesIn(repository)) {
    if (/\.(lock|new)$/.test(name)) await rm(join(repository, name), { force: true });
  }
  const refs = join(repository, "refs");
  for (const name of await namesIn(refs, true)) {
    if (name.endsWith(".lock")) await rm(join(refs, name), { recursive: true, force: true });
  }
}

/** None of a folder that is not there: a damaged repository is git's to speak of. */
export async function namesIn(folder: string, recursive = false): Promise<string[]> {
  try {
    return await readdir(folder, { recursive });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch (error) {
    // It has ended meanwhile, or is another user's.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errno(error) ?? "")) return "";
    throw error;
  }
}
