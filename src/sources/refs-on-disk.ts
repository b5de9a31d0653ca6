import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errno } from "../shared/errors.ts";

/**
 * Tags and branches of a repository, full name to object id, read without git: for a look at a thousand
 * repositories at the start. Only for repositories that we made, which keep refs as files: see
 * https://git-scm.com/docs/gitrepository-layout (`refs`, `packed-refs`).
 */
export function refsOnDisk(repository: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of (readIfThere(join(repository, "packed-refs")) ?? "").split("\n")) {
    const match = /^([0-9a-f]{40,64}) (refs\/(?:tags|heads)\/.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) refs.set(match[2], match[1]);
  }
  for (const kind of ["tags", "heads"]) addLooseRefs(repository, `refs/${kind}`, refs);
  return refs;
}

/** A loose ref stands for a packed one of the same name. */
function addLooseRefs(repository: string, prefix: string, refs: Map<string, string>): void {
  for (const entry of listIfThere(join(repository, prefix))) {
    const name = `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      addLooseRefs(repository, name, refs);
    } else if (!name.endsWith(".lock")) {
      const oid = readIfThere(join(repository, name))?.trim() ?? "";
      if (/^[0-9a-f]{40,64}$/.test(oid)) refs.set(name, oid);
    }
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}

function listIfThere(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
}
