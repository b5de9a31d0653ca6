import { lstat, mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { SourceEntry } from "../builds/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { CommitTreeOptions } from "./commit-tree.ts";
import { type Git, gitFailed } from "./git.ts";
import { listTree } from "./list-tree.ts";
import { fetchSubmodule, listSubmodules } from "./submodules.ts";

/** Submodules within submodules, so deep. */
const DEEPEST = 5;

/** What a checkout needs to know; of a submodule, its own repository and address. */
export type CheckoutSource = Pick<
  CommitTreeOptions,
  "git" | "repository" | "commit" | "label" | "submoduleProtocols" | "origin"
>;

/** Writes a commit as plain files into an empty folder, by an index of its own, so that the repository is not touched. */
export async function checkoutCommit(
  source: CheckoutSource,
  into: string,
  signal: AbortSignal,
  depth = 0,
): Promise<void> {
  const entries = await listTree({ ...source, tree: source.commit, signal });
  await requireRoom(into, entries, source.label);
  const scratch = await mkdtemp(join(into, "..", ".checkout-"));
  try {
    await writeFiles(source, { into, index: join(scratch, "index"), signal });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const submodules = await listSubmodules(source, entries, signal);
  if (submodules.length > 0 && depth >= DEEPEST) {
    const cause = `its submodules hold submodules more than ${DEEPEST} deep`;
    throw new SteppeError("GIT_FAILED", { operation: "check out", subject: source.label, cause });
  }
  for (const submodule of submodules) {
    const folder = join(into, submodule.path);
    await mkdir(folder, { recursive: true });
    if (!(await lstat(folder)).isDirectory()) {
      const cause = `the submodule ${submodule.path} is no folder`;
      throw new SteppeError("GIT_FAILED", { operation: "check out", subject: source.label, cause });
    }
    await checkoutCommit(await fetchSubmodule(source, submodule, signal), folder, signal, depth + 1);
  }
}

/** Of one file of the repository a tree may hold thousands: all together they may be far more than was pushed. Throws DISK_FULL. */
async function requireRoom(folder: string, entries: readonly SourceEntry[], label: string): Promise<void> {
  const wanted = entries.reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = await statfs(folder);
  if (wanted <= bavail * bsize) return;
  const cause = `its files are ${wanted} bytes, and ${bavail * bsize} are free on the disk`;
  throw new SteppeError("DISK_FULL", { operation: "check out", subject: label, cause });
}

async function writeFiles(
  { git, repository, commit, label }: { git: Git; repository: string; commit: string; label: string },
  { into, index, signal }: { into: string; index: string; signal: AbortSignal },
): Promise<void> {
  const env = { GIT_INDEX_FILE: index, GIT_WORK_TREE: into };
  const bare = ["-c", "core.bare=false", "-c", "core.fsync=none"];
  for (const args of [
    [...bare, "read-tree", commit],
    [...bare, "checkout-index", "--all", "--force", "--quiet"],
  ]) {
    const result = await git.run({ repository, args, env }, { signal });
    if (result.code !== 0) throw gitFailed("GIT_FAILED", "check out", label, result);
  }
}
