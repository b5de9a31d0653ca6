import { readFileSync } from "node:fs";
import { errno } from "../shared/errors.ts";
import type { BuildUser } from "./sandbox-layout.ts";

const NAME = "steppe-build";
/** `nobody` of every Linux. */
const NOBODY: BuildUser = { uid: 65534, gid: 65534 };

/**
 * Who builds run as. Started by root: the user `steppe-build` if there is one, or else nobody. Otherwise null: who Steppe itself
 * runs as, shut in.
 */
export function buildUser(passwd = "/etc/passwd"): BuildUser | null {
  if (process.getuid?.() !== 0) return null;
  for (const line of readOrNothing(passwd).split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === NAME && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return NOBODY;
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return "";
    throw error;
  }
}
