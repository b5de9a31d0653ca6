import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errno } from "../../src/shared/errors.ts";
import type { RunningSteppe } from "../support/steppe.ts";
import { until } from "./processes.ts";

/** Longer than anything that the platform writes beside deployments (compressed forms) lies half-made. */
const LIMIT_MS = 20_000;

/**
 * What lies in the data folder of a platform that deploys nothing and should not: half-made files, build folders, packs that nobody
 * knows. What is still being written is no leftover, so this looks until there is nothing, or the limit is over.
 */
export async function leftovers(steppe: RunningSteppe): Promise<string[]> {
  let found: string[] = [];
  const isClean = async (): Promise<true | undefined> => {
    found = lookAgain(steppe);
    return found.length === 0 ? true : undefined;
  };
  try {
    await until("a clean folder", isClean, LIMIT_MS);
  } catch (error) {
    if (found.length === 0) throw error;
  }
  return found;
}

/** A folder that vanishes while it is read is one that was being cleaned up. */
function lookAgain(steppe: RunningSteppe): string[] {
  try {
    return look(steppe);
  } catch (error) {
    if (errno(error) === "ENOENT") return [String(error)];
    throw error;
  }
}

function look(steppe: RunningSteppe): string[] {
  const problems: string[] = [];
  const buildah = join(steppe.data, "cache", "@buildah"); // it has locks of its own, which stay
  for (const entry of readdirSync(steppe.data, { recursive: true, withFileTypes: true })) {
    if (entry.parentPath.startsWith(buildah)) continue;
    if (entry.isFile() && /\.tmp$|\.lock$|tmp_(pack|obj)/.test(entry.name) && entry.name !== "control.lock") {
      problems.push(`left over: ${join(entry.parentPath, entry.name)}`);
    }
  }
  const builds = readdirSync(join(steppe.data, "builds"));
  if (builds.length > 0) problems.push(`left over in builds/: ${builds.join(", ")}`);
  using database = new DatabaseSync(join(steppe.data, "steppe.db"), { readOnly: true });
  const known = new Set(
    database
      .prepare("SELECT name FROM packs")
      .all()
      .map((row) => String(row["name"])),
  );
  for (const name of readdirSync(join(steppe.data, "packs")))
    if (!known.delete(name)) problems.push(`no row for the pack ${name}`);
  for (const name of known) problems.push(`no file for the pack ${name}`);
  return problems;
}
