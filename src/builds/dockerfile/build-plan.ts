import type { Command } from "../../shared/run-command.ts";
import type { DockerfilePlace } from "./locate-dockerfile.ts";

/** A build of a Dockerfile, with all that the tools have to know. */
export interface BuildPlan {
  app: string;
  /** The build's folder: what a tool writes goes here, and it runs here. */
  workspace: string;
  place: DockerfilePlace;
  /** What the image is labelled with. */
  labels: Readonly<Record<string, string>>;
  target: string | null;
  args: Readonly<Record<string, string>>;
  /** Files with secrets by id, relative to the workspace. */
  secrets: ReadonlyMap<string, string>;
  /** `linux/arm64`; null is the machine's. */
  platform: string | null;
}

/** The file of the workspace in which Docker leaves the id of the image. */
export const IMAGE_ID = "image-id";

/** BuildKit of Docker; what Docker had before; buildah, which needs no daemon. */
export type ToolKind = "buildkit" | "classic" | "buildah";

/** The options that Docker and buildah have in common, without those of secrets. */
export function commonOptions({ labels, target, args, platform }: BuildPlan): string[] {
  const pairs = (option: string, of: Readonly<Record<string, string>>): string[] =>
    Object.entries(of).flatMap(([name, value]) => [option, `${name}=${value}`]);
  return [
    ...pairs("--label", labels),
    ...pairs("--build-arg", args),
    ...(target === null ? [] : ["--target", target]),
    ...(platform === null ? [] : ["--platform", platform]),
  ];
}

/** Secrets by the file that holds each; paths are relative, since a comma in them would end them. */
export function secretOptions({ secrets }: BuildPlan): string[] {
  return [...secrets].flatMap(([id, file]) => ["--secret", `id=${id},src=${file}`]);
}

/** The command as the log shows it, without the workspace's own path. It holds no secrets: they are files. */
export function shownCommand({ file, args }: Command, workspace: string): string {
  const shown = args.map((arg) => arg.replace(`${workspace}/`, ""));
  return `$ ${[file, ...shown].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ")}`;
}
