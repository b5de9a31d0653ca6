import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { runCommand } from "../../src/shared/run-command.ts";
import { baseTarball } from "./base-image.ts";
import { type DockerDaemon, startDocker } from "./docker-daemon.ts";
import { peer } from "./peers.ts";
import { type RunningSteppe, startSteppe } from "./steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";

export type Builder = "buildkit" | "classic" | "buildah";

/** A platform that builds Dockerfiles with one tool, in which `base:1` can be built on. */
export interface DockerfilePlatform extends AsyncDisposable {
  steppe: RunningSteppe;
  /** A folder for what the test needs besides. */
  folder: TemporaryFolder;
  daemon: DockerDaemon | undefined;
  /** Runs the tool: docker, or buildah on the platform's storage. */
  tool(...args: string[]): Promise<string>;
}

/** As a client of Docker that knows no BuildKit says it: with its version. */
const OLD_CLIENT = `#!/bin/sh
[ "$1" = version ] || exec /usr/bin/docker "$@"
/usr/bin/docker "$@" | sed 's/"Version":"[0-9]*/"Version":"18/'
`;

/** Starts the tool and the platform; skips the test if the tool is missing. */
export async function startDockerfilePlatform(context: TestContext, builder: Builder): Promise<DockerfilePlatform> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder("dockerfile"));
  using base = await baseTarball();
  const programs = "/usr/sbin:/usr/bin:/sbin:/bin";
  const PATH = builder === "classic" ? `${folder.file("programs")}:${programs}` : programs;
  if (builder === "classic") {
    mkdirSync(folder.file("programs"));
    writeFileSync(folder.file("programs", "docker"), OLD_CLIENT);
    chmodSync(folder.file("programs", "docker"), 0o755);
  }
  const daemon = builder === "buildah" ? undefined : stack.use(await startDocker(context, { network: "own" }));
  const DOCKER_HOST = daemon?.host ?? `unix://${folder.file("no-docker")}`;
  const steppe = stack.use(await startSteppe({ env: { PATH, DOCKER_HOST } }));
  const tool = daemon?.docker ?? buildahOf(context, steppe);
  if (daemon === undefined) await makeBase(tool, base.path);
  else await tool("import", base.path, "base:1");
  const resources = stack.move();
  return { steppe, folder, daemon, tool, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function buildahOf(context: TestContext, steppe: RunningSteppe): (...args: string[]) => Promise<string> {
  const file = peer(context, "buildah");
  if (process.getuid?.() !== 0) context.skip("needs root, for buildah without user namespaces");
  const storage = join(steppe.data, "cache", "@buildah");
  const places = ["--root", join(storage, "root"), "--runroot", join(storage, "run")];
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: steppe.data };
  return async (...args) => {
    const { code, stdout, stderr } = await runCommand({ file, args: [...places, ...args], env });
    if (code !== 0) throw new Error(`buildah ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout.toString().trim();
  };
}

async function makeBase(buildah: (...args: string[]) => Promise<string>, archive: string): Promise<void> {
  const container = await buildah("from", "scratch");
  await buildah("add", "--quiet", container, archive);
  await buildah("commit", "--quiet", container, "base:1");
  await buildah("rm", container);
}
