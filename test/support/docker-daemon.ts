import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { TestContext } from "vitest";
import { errno } from "../../src/shared/errors.ts";
import { runCommand } from "../../src/shared/run-command.ts";
import { peer } from "./peers.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** A Docker of its own, with nothing in it, that ends with all of its containers when its scope ends. */
export interface DockerDaemon extends AsyncDisposable {
  /** As the client and skopeo name it. */
  readonly host: string;
  /** Where all of its data is. */
  readonly folder: string;
  /** Runs the client; resolves with what it printed, rejects with what it said if it fails. */
  docker(...args: string[]): Promise<string>;
  /** Ends it, with all that it runs: by SIGKILL as a crash does, or by SIGTERM as `systemctl stop` does. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export interface DockerOptions {
  /**
   * What the daemon and its containers see of the network. `machine` (the default): that of the machine, so that it reaches registries on
   * loopback; containers have it too, or none, and BuildKit can run nothing in them. `own`: a network of its own, cut off from all others,
   * with a bridge: whatever builds, can build.
   */
  network?: "machine" | "own";
  /** How it stores layers. Default `vfs`, which works wherever tests run; `overlay2` is what machines have, and faster. */
  storage?: "vfs" | "overlay2";
  /** Its data are on a disk of this size, in the words of tmpfs: `100m`. `folder` shows nothing then. Default: on the disk of temporary files. */
  disk?: string;
}

/**
 * Starts dockerd with its data in a temporary folder. It changes nothing of the machine's network.
 * Skips the test if the package is missing, or if a daemon cannot run here: it needs root, and cgroups and namespaces that are its own to change.
 */
export async function startDocker(
  context: Pick<TestContext, "skip">,
  options: DockerOptions = {},
): Promise<DockerDaemon> {
  const [client, daemon] = [peer(context, "docker"), peer(context, "dockerd")];
  const folder = temporaryFolder("docker");
  const host = `unix://${folder.file("socket")}`;
  const program = spawnDaemon(daemon, { folder, host, ...options });
  const ended = once(program, "close");
  let isKilled = false;
  const dispose = async (): Promise<void> => {
    program.kill("SIGTERM");
    await ended;
    folder[Symbol.dispose]();
  };
  const refusal = await becomesReady(program);
  if (refusal !== undefined) {
    await dispose();
    context.skip(`dockerd cannot run here: ${refusal}`);
  }
  const docker = async (...args: string[]): Promise<string> => {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: folder.path, DOCKER_BUILDKIT: "0" };
    const { code, stdout, stderr } = await runCommand({ file: client, args: ["--host", host, ...args], env });
    if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout.toString().trim();
  };
  return {
    host,
    folder: folder.file("data"),
    docker,
    async kill(signal) {
      isKilled = true;
      program.kill(signal);
      await ended;
      // containerd, and what runs in containers: they outlive it.
      await until(() => endProcessesOf(folder.path) === 0);
    },
    [Symbol.asyncDispose]: async () => {
      if (isKilled) return await dispose();
      const containers = (await docker("ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
      if (containers.length > 0) await docker("rm", "--force", ...containers);
      await dispose();
    },
  };
}

/** In a mount namespace of its own: what it leaves mounted goes with it. */
function spawnDaemon(
  file: string,
  {
    folder,
    host,
    network = "machine",
    storage = "vfs",
    disk,
  }: DockerOptions & { folder: TemporaryFolder; host: string },
): ChildProcess {
  const places = [
    "--data-root",
    folder.file("data"),
    "--exec-root",
    folder.file("exec"),
    "--pidfile",
    folder.file("pid"),
  ];
  const isOwn = network === "own";
  const bridge = [...(isOwn ? [] : ["--bridge", "none"]), "--iptables=false", "--ip6tables=false"];
  const flags = ["--host", host, "--storage-driver", storage, ...places, ...bridge];
  const namespaces = ["--mount", "--propagation", "private", ...(isOwn ? ["--net"] : [])];
  const mount = 'mount -t tmpfs -o size="$0" none "$1" && shift && exec "$@"';
  if (disk !== undefined) mkdirSync(folder.file("data"));
  const withDisk = disk === undefined ? [] : ["sh", "-c", mount, disk, folder.file("data")];
  return spawn("unshare", [...namespaces, ...withDisk, file, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
}

/** Kills the processes whose command line names a folder, or whose file system lies in it; how many there were. */
function endProcessesOf(folder: string): number {
  const isOf = (id: string): boolean => ["cmdline", "mountinfo"].some((name) => told(id, name).includes(folder));
  const found = readdirSync("/proc").filter((id) => /^\d+$/.test(id) && Number(id) !== process.pid && isOf(id));
  for (const id of found) kill(Number(id));
  return found.length;
}

function told(id: string, name: string): string {
  try {
    return readFileSync(`/proc/${id}/${name}`, "latin1");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EINVAL", "EACCES", "EPERM"].includes(errno(error) ?? "")) return ""; // it has ended, or is of another
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

/** Resolves when it takes commands; with what it said last, if it ends instead. */
function becomesReady({ stderr }: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (stderr === null) {
      reject(new Error("dockerd has no standard error"));
      return;
    }
    let last = "it said nothing";
    createInterface({ input: stderr })
      .on("line", (line) => {
        last = line;
        if (line.includes("API listen on")) resolve(undefined);
      })
      .on("close", () => resolve(last));
  });
}
