import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../src/shared/run-command.ts";
import { type DockerDaemon, startDocker } from "../../test/support/docker-daemon.ts";
import { findPeer } from "../../test/support/peers.ts";
import { steppeProgram } from "../../test/support/steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";

/** A tool that builds and pushes, with nothing in its caches but the base image. */
export interface ImageTool extends AsyncDisposable {
  /** Makes the image of the site in `context/site` and pushes it. Rejects if it fails. */
  buildAndPush(reference: string): Promise<void>;
}

/** Where things are. */
export interface Surroundings {
  /** The layout of `steppe/static`. */
  base: string;
  /** The folder with `site/` in it; the tools' Dockerfiles come beside it. */
  context: string;
}

export interface ToolEntry {
  name: string;
  /** Of layers, in the tool's own words. */
  compression: string;
  /** Resolves with why it cannot be measured here, if so. */
  start(surroundings: Surroundings): Promise<ImageTool | { missing: string }>;
}

const PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Thrown in place of a skip, since there is no test. */
class Missing extends Error {}
const skipping = {
  skip(reason?: string | boolean): never {
    throw new Missing(String(reason));
  },
};

/** Everything that is measured, ourselves first. */
export const tools: readonly ToolEntry[] = [
  { name: "steppe build", compression: "gzip 6 (zlib of Node)", start: (where) => startSteppe(where, "gzip") },
  { name: "steppe build zstd", compression: "zstd 3", start: (where) => startSteppe(where, "zstd") },
  { name: "docker classic", compression: "gzip 6 (Go's default)", start: (where) => startDockerTool(where, "0") },
  { name: "docker BuildKit", compression: "gzip 6 (Go's default)", start: (where) => startDockerTool(where, "1") },
  { name: "buildah", compression: "gzip (its default)", start: startBuildah },
];

async function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { code, stdout, stderr } = await runCommand({ file, args, env: { PATH, ...env } });
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}: ${stderr || stdout.toString()}`);
}

async function startSteppe({ base, context }: Surroundings, compression: string): Promise<ImageTool> {
  const folder = temporaryFolder("bench-steppe");
  const options = ["--base", `oci:${base}`, "--platform", "linux/amd64", "--compress", compression, "--push"];
  return {
    buildAndPush: (reference) =>
      run(steppeProgram, ["build", join(context, "site"), ...options, "--tag", reference], { HOME: folder.path }),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
}

async function startDockerTool(
  { base, context }: Surroundings,
  buildKit: "0" | "1",
): Promise<ImageTool | { missing: string }> {
  // Debian's client brings BuildKit's part with it; newer ones want the plugin buildx.
  const client = existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
  const skopeo = findPeer("skopeo");
  if ("missing" in skopeo) return skopeo;
  let daemon: DockerDaemon;
  try {
    daemon = await startFastest();
  } catch (error) {
    if (error instanceof Missing) return { missing: error.message };
    throw error;
  }
  const folder = temporaryFolder("bench-docker");
  writeFileSync(join(context, "Dockerfile"), "FROM steppe/static\nCOPY site/ ./\n");
  const env = { HOME: folder.path, DOCKER_BUILDKIT: buildKit };
  const load = ["--insecure-policy", "copy", "--dest-daemon-host", daemon.host, `oci:${base}`];
  await run(skopeo.path, [...load, "docker-daemon:steppe/static:latest"], env);
  const docker = (...args: string[]): Promise<void> => run(client, ["--host", daemon.host, ...args], env);
  return {
    async buildAndPush(reference) {
      await docker("build", "--quiet", "--tag", reference, context);
      await docker("push", "--quiet", reference);
    },
    async [Symbol.asyncDispose]() {
      folder[Symbol.dispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** With the storage that machines have; where that cannot be, with the one that works everywhere. */
async function startFastest(): Promise<DockerDaemon> {
  try {
    return await startDocker(skipping, { storage: "overlay2" });
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return await startDocker(skipping);
  }
}

async function startBuildah({ base, context }: Surroundings): Promise<ImageTool | { missing: string }> {
  const [buildah, skopeo] = [findPeer("buildah"), findPeer("skopeo")];
  if ("missing" in buildah) return buildah;
  if ("missing" in skopeo) return skopeo;
  const folder = temporaryFolder("bench-buildah");
  const policy = folder.file("policy.json");
  writeFileSync(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const file = join(context, "Dockerfile.buildah");
  writeFileSync(file, "FROM localhost/steppe/static\nCOPY site/ ./\n");
  const archive = folder.file("base.tar");
  const env = { HOME: folder.path };
  const name = "localhost/steppe/static:latest";
  await run(skopeo.path, ["--insecure-policy", "copy", `oci:${base}`, `docker-archive:${archive}:${name}`], env);
  const prepare = async (driver: string): Promise<readonly string[]> => {
    const stored = ["--root", folder.file("storage"), "--runroot", folder.file("run"), "--storage-driver", driver];
    mkdirSync(folder.file("run"), { recursive: true });
    await run(buildah.path, [...stored, "pull", "--quiet", `docker-archive:${archive}`], env);
    return stored;
  };
  const stored = await fastest(prepare, folder);
  const command = (...args: string[]): Promise<void> => run(buildah.path, [...stored, ...args], env);
  return {
    async buildAndPush(reference) {
      const build = ["bud", "--quiet", "--layers", "--isolation", "chroot", "--signature-policy", policy];
      await command(...build, "--file", file, "--tag", reference, context);
      await command("push", "--quiet", "--tls-verify=false", "--signature-policy", policy, reference);
    },
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
}

async function fastest(
  prepare: (driver: string) => Promise<readonly string[]>,
  folder: TemporaryFolder,
): Promise<readonly string[]> {
  try {
    return await prepare("overlay");
  } catch {
    // Overlays need a file system that can carry them.
    rmSync(folder.file("storage"), { recursive: true, force: true });
    return await prepare("vfs");
  }
}
