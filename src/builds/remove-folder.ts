import { rm } from "node:fs/promises";
import { errno } from "../shared/errors.ts";
import { runCommand } from "../shared/run-command.ts";

/** Removes a folder with all that is in it; one that is not there is fine. Builds leave folders that not even their owner may write. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (errno(error) !== "EACCES" && errno(error) !== "EPERM") throw error;
    const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };
    await runCommand({ file: "chmod", args: ["-R", "u+rwX", "--", path], env });
    await rm(path, { recursive: true, force: true });
  }
}
