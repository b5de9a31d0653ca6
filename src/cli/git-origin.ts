import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errno } from "../shared/errors.ts";
import type { Io } from "./io.ts";

/** Where the content of a folder comes from, as its git checkout tells. */
export interface GitOrigin {
  /** The commit; null if files that git knows were changed since, or there is none yet. */
  revision: string | null;
  /** The address of `origin`, without user and password; null if there is none, or it is no address that others can use. */
  source: string | null;
}

const NOTHING: GitOrigin = { revision: null, source: null };
/** Nothing of the checkout's configuration is run, and nothing is written. */
const QUIET = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks"];

/** Asks git about the checkout that holds a folder. Both are null if there is none, or git is not installed. */
export async function gitOrigin({ run, env, signal }: Io, folder: string): Promise<GitOrigin> {
  if (!isInCheckout(folder)) return NOTHING;
  const git = (...args: string[]) => {
    const { PATH = "", HOME = "" } = env;
    const kept = { PATH, HOME, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
    return run({ file: "git", args: [...QUIET, "-C", folder, ...args], env: kept }, { signal });
  };
  try {
    const [status, remote] = await Promise.all([
      git("status", "--porcelain=v2", "--branch", "--untracked-files=no"),
      git("config", "--get", "remote.origin.url"),
    ]);
    if (status.code !== 0) return NOTHING;
    const lines = status.stdout.toString().split("\n");
    const commit = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(status.stdout.toString())?.[1];
    const isChanged = lines.some((line) => line !== "" && !line.startsWith("#"));
    const source = remote.code === 0 ? publicAddress(remote.stdout.toString().trim()) : null;
    return { revision: isChanged ? null : (commit ?? null), source };
  } catch (error) {
    if (errno(error) === "ENOENT") return NOTHING; // no git: then nobody made a checkout here
    throw error;
  }
}

/** Starting git twice takes longer than to look. */
function isInCheckout(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return true;
    if (at === dirname(at)) return false;
  }
}

/** An address as it may be shown to everybody: tokens are often kept in it. */
function publicAddress(text: string): string | null {
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(text);
  if (scp !== null) return `ssh://${scp[1]}/${scp[2]?.replace(/^\/+/, "")}`;
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (!["http:", "https:", "ssh:", "git:"].includes(url.protocol)) return null;
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href;
}
