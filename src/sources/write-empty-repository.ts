import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../shared/atomic-file.ts";

/** What has to be there for git to take a folder for a repository: https://git-scm.com/docs/gitrepository-layout */
const FOLDERS = ["objects/info", "objects/pack", "refs/heads", "refs/tags"];

/**
 * Makes of a folder a bare repository with nothing in it, as `git init` does; that takes a process, and where a thousand apps are declared at once most of their time.
 *
 * @param config the whole of its configuration
 */
export async function writeEmptyRepository(folder: string, config: string): Promise<void> {
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true });
  writeFileAtomic(join(folder, "HEAD"), "ref: refs/heads/main\n");
  writeFileAtomic(join(folder, "config"), config);
}
