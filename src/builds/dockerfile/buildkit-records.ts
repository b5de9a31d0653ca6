import type { Docker } from "./docker-client.ts";
import { parseBytes } from "./parse-bytes.ts";

/** A record of BuildKit's cache: a layer, or a copy of a context. */
export interface BuildKitRecord {
  id: string;
  /** Bytes. */
  size: number;
  /** `2026-11-24 18:48:16.092379432 +0000 UTC`: such times sort as text. */
  lastUsed: string;
}

/** As docker's own client has them. */
interface Row {
  ID: string;
  Size: string;
  LastUsedAt?: string;
  CreatedAt: string;
}

/**
 * The records of BuildKit's cache in the engine: of all who build there. `docker system df` is the one command that lists them in every
 * version; https://docs.docker.com/reference/cli/docker/system/df/
 */
export async function listRecords(docker: Docker): Promise<BuildKitRecord[]> {
  const text = await docker.run(["system", "df", "--verbose", "--format", "{{json .BuildCache}}"]);
  const rows = (JSON.parse(text === "" ? "[]" : text) ?? []) as Row[];
  return rows.map((row) => ({ id: row.ID, size: parseBytes(row.Size), lastUsed: row.LastUsedAt || row.CreatedAt }));
}

/**
 * Removes these and none besides; resolves with those that are left. What another record was made on stays until that goes, so there are rounds.
 * There is no command for several at once: of a name BuildKit takes one filter only.
 */
export async function removeRecords(docker: Docker, ids: readonly string[]): Promise<string[]> {
  for (let left = [...ids]; left.length > 0;) {
    for (const id of left) await docker.attempt(["builder", "prune", "--all", "--force", "--filter", `id=${id}`]);
    const there = new Set((await listRecords(docker)).map(({ id }) => id));
    const still = left.filter((id) => there.has(id));
    if (still.length === left.length) return still;
    left = still;
  }
  return [];
}
