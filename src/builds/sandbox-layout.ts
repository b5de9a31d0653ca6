import { existsSync, realpathSync } from "node:fs";
import { SteppeError } from "../shared/errors.ts";
import { bounded } from "./build-limits.ts";

/** A user that owns nothing. */
export interface BuildUser {
  uid: number;
  gid: number;
}

/** What is to be run, and which folders of this machine it may see and write. */
export interface SandboxRequest {
  /** For `/bin/sh -c`. */
  command: string;
  /** Becomes CHECKOUT. */
  checkout: string;
  /** Becomes HOME. */
  home: string;
  /** Becomes `/tmp`. */
  temporary: string;
  /** An empty folder, for the sandbox to be put together in. */
  scratch: string;
  /** Folders that must not be seen, wherever they are. */
  hide: readonly string[];
  /** The user to become; null if this process may not choose, and so stays who it is. */
  user: BuildUser | null;
  /** The whole environment, besides HOME and PATH where they are not in it. */
  env: Readonly<Record<string, string>>;
}

/** Where the checkout is, inside. */
export const CHECKOUT = "/build";
/** The home folder, inside. */
export const HOME = "/home/build";
export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What of this machine is seen inside, and cannot be written. Without `/var`, `/srv`, `/home`, `/root`, `/run` and whatever is mounted. */
export const SYSTEM_FOLDERS = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/etc",
  "/opt",
  "/nix",
  "/var/lib/gems",
  "/run/systemd/resolve",
].filter((path) => existsSync(path));

/** The program that gives up every privilege, and becomes another user if it may, before the build's command. */
export function unprivileged({ user, command }: SandboxRequest): string[] {
  const identity = user === null ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const none = ["--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"];
  return ["setpriv", ...identity, ...none, "--", ...shell(command)];
}

/**
 * The build's own environment is set only here, after every privilege is gone: in the environment of the programs before, variables such as
 * LD_PRELOAD would run somebody's code with them; as arguments, everybody on this machine could read them.
 *
 * One pipe serves both outputs, so that lines come in the order in which they were printed. When memory runs out, the kernel takes the build
 * first, and not what serves visitors.
 */
export function shell(command: string): string[] {
  const script = `eval "$${ENVIRONMENT}"; unset ${ENVIRONMENT}; { echo 1000 > /proc/self/oom_score_adj; } 2>/dev/null; exec /bin/sh -c "$1" 2>&1`;
  return bounded(["/bin/sh", "-c", script, "sh", command]);
}

const ENVIRONMENT = "STEPPE_BUILD_ENVIRONMENT";

/** The environment of the programs that shut the build in. Throws CONFIG_INVALID if a variable's name is none. */
export function outerEnvironment({ env }: SandboxRequest): Record<string, string> {
  const inner = { PATH, HOME, TMPDIR: "/tmp", ...env };
  const lines = Object.entries(inner).map(([name, value]) => {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes("\0")) return `export ${name}=${quoted(value)}`;
    const cause = `${JSON.stringify(name)} cannot be a variable of a build`;
    throw new SteppeError("CONFIG_INVALID", { operation: "build", subject: "build.env", cause });
  });
  return { PATH, [ENVIRONMENT]: lines.join("\n") };
}

/** A word that a shell takes as it is: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02 */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Of folders to hide, where those are that would be seen. */
export function seen(folders: readonly string[]): string[] {
  return folders
    .map((folder) => (existsSync(folder) ? realpathSync(folder) : folder))
    .filter((folder) => SYSTEM_FOLDERS.some((system) => folder.startsWith(`${system}/`)));
}
