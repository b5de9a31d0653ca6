import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SteppeError, toSteppeError } from "../shared/errors.ts";
import { runCommand } from "../shared/run-command.ts";
import { BuildCaches } from "./build-caches.ts";
import { cancelled, isFull, NO_SPACE } from "./build-errors.ts";
import { BuildLog } from "./build-log.ts";
import { folderTree } from "./folder-tree.ts";
import { removeFolder } from "./remove-folder.ts";
import { runLogged } from "./run-logged.ts";
import type { Sandbox } from "./sandbox.ts";
import type { BuildUser } from "./sandbox-layout.ts";
import type { SourceTree } from "./source-tree.ts";

/** The part of an app's definition that says how its site is made. */
export interface BuildCommand {
  /** For `/bin/sh -c`, in the checkout. */
  command: string;
  /** The folder that it leaves the site in, relative to the checkout. */
  output: string;
  /** Variables of the build. */
  env: Readonly<Record<string, string>>;
  /** Folders that are kept from build to build, relative to the checkout. */
  cache: readonly string[];
  timeoutMs: number;
}

export interface RunBuildRequest {
  app: string;
  /** The deployment's number; it names the checkout and the log. */
  deployment: number;
  /** For STEPPE_TAG: `v2`. */
  tag: string;
  build: BuildCommand;
  tree: SourceTree;
  folders: BuildFolders;
  sandbox: Sandbox;
  user: BuildUser | null;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  /** Each line that the build prints. */
  onLine(line: string): void;
  signal: AbortSignal;
}

/** Absolute paths. */
export interface BuildFolders {
  /** The whole data folder, which no build sees. */
  data: string;
  /** Checkouts. */
  builds: string;
  /** Cache folders, by app. */
  cache: string;
  /** Logs, by deployment. */
  logs: string;
}

/** What a build left. Disposing of it removes it; keep its caches before. */
export interface BuildOutput extends AsyncDisposable {
  /** The checkout with all that the build made in it. */
  tree: SourceTree;
  /** Keeps the cache folders for the next build. */
  keepCaches(): Promise<void>;
}

/** The file in which a deployment's build log is. */
export function buildLogFile(logs: string, deployment: number): string {
  return join(logs, `${deployment}.log`);
}

/**
 * Runs an app's build command in a clean checkout, with a clean environment and shut in. Whatever it started has ended when this
 * resolves or throws; if it throws, all but the log is removed.
 *
 * Throws BUILD_FAILED, BUILD_TIMEOUT, BUILD_CANCELLED (or the signal's reason, if that is a SteppeError), DISK_FULL, and what the checkout
 * throws.
 */
export async function runBuild(request: RunBuildRequest): Promise<BuildOutput> {
  const { app, deployment, build, tree, folders, signal, progress } = request;
  const workspace = join(folders.builds, String(deployment));
  const checkout = join(workspace, "checkout");
  const caches = new BuildCaches(join(folders.cache, app), build.cache, tree.label);
  try {
    await removeFolder(workspace);
    await prepare(request, { workspace, checkout, caches });
    const started = performance.now();
    await runCommandOf(request, workspace);
    progress(`the build command took ${((performance.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    await removeFolder(workspace);
    if (signal.aborted) throw cancelled(tree.label, signal.reason);
    throw toSteppeError(error, "build", tree.label);
  }
  return {
    tree: folderTree(checkout, tree.label),
    keepCaches: () => caches.keep(checkout),
    [Symbol.asyncDispose]: () => removeFolder(workspace),
  };
}

async function prepare(
  { tree, user, folders, signal, progress }: RunBuildRequest,
  { workspace, checkout, caches }: { workspace: string; checkout: string; caches: BuildCaches },
): Promise<void> {
  await mkdir(folders.logs, { recursive: true, mode: 0o700 });
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  for (const name of ["checkout", "home", "temporary", "scratch"]) await mkdir(join(workspace, name));
  const started = performance.now();
  await tree.checkout(checkout, signal);
  await caches.bring(checkout, signal);
  if (user !== null) {
    const own = ["checkout", "home", "temporary"].map((name) => join(workspace, name));
    const args = ["-R", "-h", `${user.uid}:${user.gid}`, "--", ...own];
    const { code, stderr } = await runCommand(
      { file: "chown", args, env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" } },
      { signal },
    );
    if (code !== 0) throw new Error(`chown: ${stderr.trim()}`);
  }
  progress(`checked out in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Runs the command to its end and throws if that was not a good one. */
async function runCommandOf(request: RunBuildRequest, workspace: string): Promise<void> {
  const { app, deployment, tag, build, tree, folders, sandbox, user, signal, onLine } = request;
  const [checkout, home, temporary, scratch] = ["checkout", "home", "temporary", "scratch"].map((name) =>
    join(workspace, name),
  ) as [string, string, string, string];
  const env = { LANG: "C.UTF-8", CI: "true", STEPPE_APP: app, STEPPE_TAG: tag, ...build.env };
  const places = { checkout, home, temporary, scratch, hide: [folders.data] };
  const command = sandbox.command({ command: build.command, ...places, user, env });
  const log = new BuildLog(buildLogFile(folders.logs, deployment), onLine);
  const timeout = AbortSignal.timeout(build.timeoutMs);
  let code: number;
  try {
    log.note(`$ ${build.command}`);
    code = await runLogged(command, log, AbortSignal.any([signal, timeout]));
  } finally {
    log.close();
  }
  const detail = log.lastLines;
  if (signal.aborted) throw cancelled(tree.label, signal.reason);
  if (timeout.aborted) {
    const cause = `the command did not end within ${build.timeoutMs / 1000} s`;
    throw new SteppeError("BUILD_TIMEOUT", { operation: "build", subject: tree.label, cause, detail });
  }
  if (code === 0) return;
  if (NO_SPACE.test(detail) || (await isFull(folders.builds))) {
    const cause = `the disk is full; the command exited with ${code}`;
    throw new SteppeError("DISK_FULL", { operation: "build", subject: tree.label, cause, detail });
  }
  const wholeLog = `\`steppe logs ${app} --build\` shows the whole log.`;
  const how = code > 128 && code < 160 ? `was ended by signal ${code - 128}` : `exited with ${code}`;
  throw new SteppeError("BUILD_FAILED", {
    operation: "build",
    subject: tree.label,
    cause: `the command ${how}`,
    hint: code === 127 ? `It runs a program that the server does not have. ${wholeLog}` : wholeLog,
    detail,
  });
}
