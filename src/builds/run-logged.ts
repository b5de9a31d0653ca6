import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { errno } from "../shared/errors.ts";
import { type Command, exitCode, killGroup } from "../shared/run-command.ts";
import type { BuildLog } from "./build-log.ts";

/**
 * Runs a build's program, with what it prints going to its log. Resolves with the exit code when all of its process group has ended, by
 * itself or by the signal.
 *
 * @param graceMs milliseconds that it has, once the signal came, to end by itself
 */
export async function runLogged(command: Command, log: BuildLog, signal: AbortSignal, graceMs = 0): Promise<number> {
  signal.throwIfAborted();
  const child = spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (): void => killGroup(child, graceMs);
  signal.addEventListener("abort", stop, { once: true });
  try {
    child.stdout.on("data", (chunk: Buffer) => log.write(chunk));
    child.stderr.on("data", (chunk: Buffer) => log.write(chunk)); // of the sandbox itself, or of docker
    if (child.pid !== undefined) yieldToOthers(child.pid);
    return await exitCode(child);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Visitors come first: what serves them has the processor before a build has. */
function yieldToOthers(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    // It may have ended already; then libuv says ESRCH in an error of its own kind.
    if (errno(error) !== "ERR_SYSTEM_ERROR" && errno(error) !== "ESRCH") throw error;
  }
}
