import { cpSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "vitest";
import { runCommand } from "../../src/shared/run-command.ts";
import { peer } from "./peers.ts";

/** Puts busybox, with the libraries that it wants if it is not a static one, into a folder, as `/busybox`: enough for an image to run something. */
export async function copyBusybox(context: TestContext, into: string): Promise<void> {
  const program = peer(context, "busybox");
  mkdirSync(into, { recursive: true });
  cpSync(realpathSync(program), join(into, "busybox"));
  // Of a static one it tells that there are none, and fails.
  const { stdout } = await runCommand({ file: "ldd", args: [program], env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
  for (const [, library] of stdout.toString().matchAll(/(\/lib\S+)/g)) {
    if (library === undefined) continue;
    mkdirSync(join(into, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(into, library));
  }
}
