import type { Command } from "../../shared/run-command.ts";
import { buildahName } from "./buildah-name.ts";
import { type BuildPlan, commonOptions, secretOptions } from "./build-plan.ts";
import { toolEnvironment } from "./tool-environment.ts";

/** Where buildah keeps what is Steppe's alone: nothing of another user of this machine is in it. Absolute paths. */
export interface BuildahStorage {
  root: string;
  runRoot: string;
}

/** A buildah command on Steppe's own storage. */
export function buildah(
  storage: BuildahStorage,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  more: Readonly<Record<string, string>> = {},
): Command {
  const places = ["--root", storage.root, "--runroot", storage.runRoot];
  return { file: "buildah", args: [...places, ...args], env: toolEnvironment("buildah", environment, more) };
}

/**
 * `buildah bud`. As root in a namespace of processes of its own, so that whatever it runs ends with it: runtimes put what a step runs into
 * sessions of their own, which a signal to the process group does not reach. https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
 */
export function buildahBuild(
  plan: BuildPlan,
  storage: BuildahStorage,
  environment: NodeJS.ProcessEnv,
  more: Readonly<Record<string, string>>,
): Command {
  const { file, context, ownIgnoreFile } = plan.place;
  const options = [
    "--layers",
    "--http-proxy=false",
    "--format",
    "oci",
    ...(ownIgnoreFile === null ? [] : ["--ignorefile", ownIgnoreFile]),
    ...secretOptions(plan),
    ...commonOptions(plan),
    // Not by `--iidfile`: then it does not say what it made on the way.
    "--tag",
    buildahName(plan.app),
  ];
  const command = buildah(storage, ["bud", ...options, "--file", file, context], environment, more);
  if (process.getuid?.() !== 0) return { ...command, cwd: plan.workspace };
  const namespace = ["--pid", "--mount-proc", "--fork", "--kill-child=KILL", "--"];
  return { ...command, file: "unshare", args: [...namespace, command.file, ...command.args], cwd: plan.workspace };
}
