import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { errno } from "../../shared/errors.ts";
import { MARK } from "./tool-environment.ts";

/** So often it is looked whether all have ended, at most. */
const LOOKS = 100;

/**
 * Ends the programs that builds left running when control was killed: those whose environment names a workspace in this folder. Resolves
 * when they are gone, or after five seconds: one that the kernel holds cannot be ended.
 *
 * @param builds the folder of workspaces
 */
export async function endMarked(builds: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const found = markedProcesses(builds);
    if (found.length === 0) return;
    for (const id of found) kill(id);
    await setTimeout(50);
  }
}

function markedProcesses(builds: string): number[] {
  const mark = `${MARK}=${builds}/`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((id) => environmentOf(id).some((variable) => variable.startsWith(mark)))
    .map(Number);
}

function environmentOf(id: string): string[] {
  try {
    return readFileSync(`/proc/${id}/environ`, "utf8").split("\0");
  } catch (error) {
    // It has ended, or is somebody else's.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errno(error) ?? "")) return [];
    throw error;
  }
}

function kill(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch (error) {
    if (errno(error) !== "ESRCH") throw error;
  }
}
