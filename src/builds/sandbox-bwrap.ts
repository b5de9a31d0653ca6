import { lstatSync, readlinkSync } from "node:fs";
import type { Command } from "../shared/run-command.ts";
import {
  CHECKOUT,
  outerEnvironment,
  HOME,
  type SandboxRequest,
  seen,
  shell,
  SYSTEM_FOLDERS,
  unprivileged,
} from "./sandbox-layout.ts";

/**
 * By bubblewrap. As root it needs no user namespace, and the user is changed inside; otherwise bubblewrap itself takes every
 * privilege away. https://github.com/containers/bubblewrap
 */
export function bwrapCommand(request: SandboxRequest): Command {
  const { checkout, home, temporary, hide, user, command } = request;
  const system = SYSTEM_FOLDERS.flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path],
  );
  const args = [
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--hostname",
    "build",
    "--die-with-parent",
    ...system,
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--dir",
    "/run",
    "--dir",
    "/var",
    "--bind",
    temporary,
    "/tmp",
    "--symlink",
    "/tmp",
    "/var/tmp",
    "--dir",
    "/home",
    "--bind",
    home,
    HOME,
    "--bind",
    checkout,
    CHECKOUT,
    "--chdir",
    CHECKOUT,
    ...seen(hide).flatMap((path) => ["--tmpfs", path]),
    "--",
    ...(user === null ? shell(command) : unprivileged(request)),
  ];
  return { file: "bwrap", args, env: outerEnvironment(request), cwd: "/" };
}
