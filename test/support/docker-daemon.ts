import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "vitest";
import { runCommand } from "../../src/shared/run-command.ts";
import { peer } from "./peers.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";

/** A Docker of its own, with nothing in it, that ends with all of its containers when its scope ends. */
export interface DockerDaemon extends AsyncDisposable {
  /** As the client and skopeo name it. */
  readonly host: string;
  /** Where all of its data is. */
  readonly folder: string;
  /** Runs the client; resolves with what it printed, rejects with what it said if it fails. */
  docker(...args: string[]): Promise<string>;
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
  const process = spawnDaemon(daemon, { folder, host, ...options });
  const ended = once(process, "close");
  const dispose = async (): Promise<void> => {
    process.kill("SIGTERM");
    await ended;
    folder[Symbol.dispose]();
  };
  const refusal = await becomesReady(process);
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
    [Symbol.asyncDispose]: async () => {
      const containers = (await docker("ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
      if (containers.length > 0) await docker("rm", "--force", ...containers);
      await dispose();
    },
  };
}

/** In a mount namespace of its own: what it leaves mounted goes with it. */
function spawnDaemon(
  file: string,
  { folder, host, network = "machine", storage = "vfs" }: DockerOptions & { folder: TemporaryFolder; host: string },
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
  return spawn("unshare", [...namespaces, file, ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
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
