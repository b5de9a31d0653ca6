import type { RunOptions } from "../shared/run-command.ts";
import { SteppeError } from "../shared/errors.ts";
import { type Git, gitFailed, withoutPasswords } from "./git.ts";
import { parseRemote } from "./remote-address.ts";

/** Milliseconds for asking what refs there are. */
const LIST_MS = 60_000;
/** Milliseconds for fetching. */
const FETCH_MS = 30 * 60_000;

/** A transfer of less than 1,000 bytes/s for 30 s is given up. ssh is never let ask anything. */
const TRANSFER = {
  GIT_HTTP_LOW_SPEED_LIMIT: "1000",
  GIT_HTTP_LOW_SPEED_TIME: "30",
  GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o ConnectTimeout=15",
};

/**
 * Makes a repository's tags and branches be as a remote's are. Asks first what there is, which is cheap, and fetches only if that
 * differs. Throws REPOSITORY_INVALID, REMOTE_UNREACHABLE, DISK_FULL.
 *
 * @returns whether anything was fetched
 */
export async function fetchRemote(
  git: Git,
  repository: string,
  { app, url, signal }: { app: string; url: string; signal: AbortSignal },
): Promise<boolean> {
  const remote = parseRemote(url, app);
  const subject = `${app} from ${withoutPasswords(url)}`;
  const run = { repository, protocols: remote.protocol, asUser: true, env: TRANSFER };
  const there = await limited(
    (options) => git.run({ ...run, args: ["ls-remote", "--refs", "--", url, "refs/tags/*", "refs/heads/*"] }, options),
    { ms: LIST_MS, signal, subject },
  );
  if (there.code !== 0) throw gitFailed("REMOTE_UNREACHABLE", "fetch", subject, there);
  const here = await git.run({
    repository,
    args: ["for-each-ref", "--format=%(objectname)\t%(refname)", "refs/tags", "refs/heads"],
  });
  if (here.code !== 0) throw gitFailed("GIT_FAILED", "read the refs of", app, here);
  if (sorted(there.stdout) === sorted(here.stdout)) return false;
  const fetched = await limited(
    (options) =>
      git.run({ ...run, args: ["-c", "gc.auto=0", "-c", "submodule.recurse=false", ...fetchArguments(url)] }, options),
    { ms: FETCH_MS, signal, subject },
  );
  if (fetched.code !== 0) throw gitFailed("REMOTE_UNREACHABLE", "fetch", subject, fetched);
  return true;
}

function fetchArguments(url: string): string[] {
  const flags = [
    "--quiet",
    "--force",
    "--prune",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
  ];
  return ["fetch", ...flags, "--", url, "+refs/tags/*:refs/tags/*", "+refs/heads/*:refs/heads/*"];
}

async function limited<Result>(
  work: (options: RunOptions) => Promise<Result>,
  { ms, signal, subject }: { ms: number; signal: AbortSignal; subject: string },
): Promise<Result> {
  const timeout = AbortSignal.timeout(ms);
  try {
    return await work({ signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    if (!timeout.aborted || signal.aborted) throw error;
    const cause = `no answer within ${ms / 1000} s`;
    throw new SteppeError("REMOTE_UNREACHABLE", { operation: "fetch", subject, cause }, { cause: error });
  }
}

function sorted(output: Buffer): string {
  return output.toString("latin1").trim().split("\n").sort().join("\n");
}
