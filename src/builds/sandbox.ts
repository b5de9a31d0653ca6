import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errno, SteppeError } from "../shared/errors.ts";
import { type Command, runCommand } from "../shared/run-command.ts";
import { bwrapCommand } from "./sandbox-bwrap.ts";
import type { BuildUser, SandboxRequest } from "./sandbox-layout.ts";
import { unshareCommand } from "./sandbox-unshare.ts";

/**
 * A way to run a build so that it sees the system, its checkout and its home, and nothing else of this machine: not the data
 * folder, no other process, no other user's files. The network is there.
 */
export interface Sandbox {
  name: "bwrap" | "unshare";
  /** The program to run; it ends with all that it started. */
  command(request: SandboxRequest): Command;
}

const SANDBOXES: readonly Sandbox[] = [
  { name: "bwrap", command: bwrapCommand },
  { name: "unshare", command: unshareCommand },
];

/**
 * The best sandbox that works here, by trying. Throws SANDBOX_MISSING, with what each of them said.
 *
 * @param only one of them, for tests
 */
export async function findSandbox(user: BuildUser | null, only?: Sandbox["name"]): Promise<Sandbox> {
  const said: string[] = [];
  for (const sandbox of SANDBOXES) {
    if (only !== undefined && sandbox.name !== only) continue;
    const problem = await tryOut(sandbox, user);
    if (problem === undefined) return sandbox;
    said.push(`${sandbox.name}: ${problem}`);
  }
  const cause = `this machine lets no build be shut in (${said.join("; ")})`;
  throw new SteppeError("SANDBOX_MISSING", { operation: "build", subject: "this machine", cause });
}

async function tryOut(sandbox: Sandbox, user: BuildUser | null): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "steppe-sandbox-"));
  try {
    const [checkout, home, temporary, scratch] = ["checkout", "home", "temporary", "scratch"].map((name) =>
      join(folder, name),
    );
    if (checkout === undefined || home === undefined || temporary === undefined || scratch === undefined)
      return undefined;
    for (const path of [checkout, home, temporary, scratch]) await mkdir(path);
    const command = sandbox.command({ command: "exit 0", checkout, home, temporary, scratch, hide: [], user, env: {} });
    const { code, stdout, stderr } = await runCommand(command);
    return code === 0 ? undefined : (stderr + stdout.toString()).trim().split("\n").at(-1);
  } catch (error) {
    if (errno(error) === "ENOENT") return "not installed";
    if (errno(error) === "EACCES") return "this user may not run it";
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
