import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { TestContext } from "vitest";
import { runCommand } from "../../src/shared/run-command.ts";
import { peer } from "./peers.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A registry of its own, with nothing in it, on a free port of this machine; it ends when its scope ends. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
}

export interface DockerRegistryOptions {
  /** The only one who is let in; default: everybody is. */
  user?: { name: string; password: string };
  /** Lets in who has a token of this server. */
  token?: { realm: string; service: string; issuer: string; root: string };
  /** Is told of what happens, and asked again at once if it does not take it. */
  webhook?: { url: string; headers: Record<string, string[]> };
  /** Where it listens, `127.0.0.1:PORT`. Default: on a free port. */
  at?: string;
}

const ENDPOINT = { name: "steppe", timeout: "5s", threshold: 1000, backoff: "10ms" };
const PROGRAMS = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Starts Debian's docker-registry (CNCF Distribution). If it is missing, skips the test; of a soak, which has no context, throws.
 */
export async function startDockerRegistry(
  context: Pick<TestContext, "skip">,
  { user, token, webhook, at = "127.0.0.1:0" }: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const program = peer(context, "docker-registry");
  const folder = temporaryFolder("registry");
  if (user !== undefined) writeFileSync(folder.file("htpasswd"), await htpasswd(context, user));
  if (token !== undefined) writeFileSync(folder.file("root.pem"), token.root);
  const auth = {
    ...(user === undefined ? {} : { htpasswd: { realm: "test", path: folder.file("htpasswd") } }),
    ...(token === undefined ? {} : { token: { ...token, root: undefined, rootcertbundle: folder.file("root.pem") } }),
  };
  const configuration = {
    version: "0.1",
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: folder.file("data") }, delete: { enabled: true } },
    http: { addr: at },
    ...(Object.keys(auth).length === 0 ? {} : { auth }),
    ...(webhook === undefined ? {} : { notifications: { endpoints: [{ ...ENDPOINT, ...webhook }] } }),
  };
  // JSON is YAML.
  writeFileSync(folder.file("config.yml"), JSON.stringify(configuration));
  const process = spawn(program, ["serve", folder.file("config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: PROGRAMS },
  });
  const ended = once(process, "close");
  const host = await listening(process);
  return {
    host,
    [Symbol.asyncDispose]: async () => {
      process.kill("SIGTERM");
      await ended;
      folder[Symbol.dispose]();
    },
  };
}

/** docker-registry takes bcrypt only. */
async function htpasswd(
  context: Pick<TestContext, "skip">,
  { name, password }: { name: string; password: string },
): Promise<string> {
  const file = peer(context, "htpasswd");
  const { code, stdout, stderr } = await runCommand({
    file,
    args: ["-niB", name],
    input: password,
    env: { PATH: PROGRAMS },
  });
  if (code !== 0) throw new Error(`htpasswd ended with ${code}: ${stderr}`);
  return stdout.toString();
}

/** Resolves with where it listens. */
function listening({ stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (stderr === null) {
      reject(new Error("docker-registry has no standard error"));
      return;
    }
    let last = "it said nothing";
    createInterface({ input: stderr })
      .on("line", (line) => {
        last = line;
        const [, host] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? [];
        if (host !== undefined) resolve(host);
      })
      .on("close", () => reject(new Error(`docker-registry ended: ${last}`)));
  });
}
