import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../shared/package-root.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import { runCommand } from "../shared/run-command.ts";

export const EXAMPLE_APP = "hello";
export const EXAMPLE_DOMAIN = "hello.localhost";

const identity = ["-c", "user.name=Steppe", "-c", "user.email=steppe@localhost", "-c", "init.defaultBranch=main"];

/**
 * Does with the example site what a user does with theirs: puts it into a repository of its own, tags it `v1` and
 * pushes the tag. Needs neither a configuration of git nor a name in it.
 */
export async function pushExample(pushUrl: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "steppe-example-"));
  try {
    cpSync(join(packageRoot, "examples", "hello"), folder, { recursive: true });
    await git(folder, "init", "--quiet");
    await git(folder, "add", "--all");
    await git(folder, "commit", "--quiet", "--message", "The example site");
    await git(folder, "tag", "v1");
    await git(folder, "push", "--quiet", pushUrl, "v1");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function git(cwd: string, ...args: string[]): Promise<void> {
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
  };
  const failed = (cause: string, code: "GIT_MISSING" | "GIT_FAILED"): SteppeError =>
    new SteppeError(code, { operation: "push", subject: "the example site", cause });
  const result = await runCommand({ file: "git", args: [...identity, ...args], cwd, env }).catch((error: unknown) => {
    throw errno(error) === "ENOENT" ? failed("there is no git on this machine", "GIT_MISSING") : error;
  });
  if (result.code !== 0)
    throw failed(`git ${args[0]} ended with ${result.code}: ${result.stderr.trim()}`, "GIT_FAILED");
}
