import { rm } from "node:fs/promises";
import { errno, SteppeError } from "../shared/errors.ts";
import { runCommand } from "../shared/run-command.ts";

/** Because of what lies in a folder, and not of the disk. */
const OF_CONTENT = new Set(["EACCES", "EPERM", "ENAMETOOLONG", "ENOTEMPTY", "ELOOP"]);

/**
 * Removes a folder with all that is in it; one that is not there is fine. Builds leave folders that not even their owner may write, and
 * may leave some so deep that their paths are longer than the kernel takes: Node, which goes by paths, cannot remove those.
 */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (!OF_CONTENT.has(errno(error) ?? "")) throw error;
    const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
    await runCommand({ file: "chmod", args: ["-R", "u+rwX", "--", path], env });
    const { code, stderr } = await runCommand({ file: "rm", args: ["-rf", "--", path], env });
    if (code === 0) return;
    const cause = stderr.trim().split("\n").at(-1)?.slice(-300) ?? "";
    throw new SteppeError("INTERNAL", { operation: "remove", subject: path, cause }, { cause: error });
  }
}
