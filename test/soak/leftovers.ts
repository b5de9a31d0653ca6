import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RunningSteppe } from "../support/steppe.ts";

/** What lies in the data folder of an idle platform and should not: half-made files, build folders, packs that nobody knows. */
export async function leftovers(steppe: RunningSteppe): Promise<string[]> {
  const problems: string[] = [];
  for (const entry of readdirSync(steppe.data, { recursive: true, withFileTypes: true })) {
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
