import type { Command } from "../shared/run-command.ts";
import {
  CHECKOUT,
  outerEnvironment,
  HOME,
  type SandboxRequest,
  seen,
  SYSTEM_FOLDERS,
  unprivileged,
} from "./sandbox-layout.ts";

/**
 * Puts the same sandbox together by hand, in namespaces of its own. What it is given: scratch, checkout, home, temporary; the
 * system's folders, `--`; the folders to hide, `--`; the program and its arguments.
 *
 * What is mounted within a system folder comes along, and is made read-only as well: each mount has flags of its own.
 *
 * It stays as the first process of its namespace while the program runs: the kernel ends all others with it, and `unshare --kill-child` ends it
 * with its parent.
 */
const SCRIPT = `set -eu
scratch=$1 checkout=$2 home=$3 temporary=$4
shift 4
mount -t tmpfs -o mode=0755 steppe "$scratch"
cd "$scratch"
here=$(pwd -P)
readonly_bind() {
  for more in '' ,nosuid,nodev ,nosuid,nodev,noexec; do
    mount -o "remount,bind,ro$more" "$1" 2>/dev/null && return
  done
  mount -o remount,bind,ro "$1"
}
while [ "$1" != -- ]; do
  if [ -L "$1" ]; then
    ln -s "$(readlink "$1")" ".$1"
  else
    mkdir -p ".$1"
    mount --rbind "$1" ".$1"
    while read -r _ _ _ _ place _; do
      case $place in
        "$here$1" | "$here$1"/*) readonly_bind "$(printf %b "$place")" ;;
      esac
    done < /proc/self/mountinfo
  fi
  shift
done
shift
while [ "$1" != -- ]; do
  mount -t tmpfs -o mode=0755 steppe ".$1"
  shift
done
shift
mkdir -p proc dev tmp run var home .${HOME} .${CHECKOUT} old
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t tmpfs -o mode=0755,nosuid steppe dev
for name in null zero full random urandom tty; do
  : > "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir -m 1777 dev/shm
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount --bind "$temporary" tmp
ln -s /tmp var/tmp
mount --bind "$home" .${HOME}
mount --bind "$checkout" .${CHECKOUT}
pivot_root . old
cd /
umount -l old
rmdir old
cd ${CHECKOUT}
status=0
"$@" || status=$?
exit "$status"
`;

/**
 * By util-linux's `unshare`, where bubblewrap is not there. As root; or in a user namespace, where the kernel lets everybody have one.
 * https://man7.org/linux/man-pages/man1/unshare.1.html
 */
export function unshareCommand(request: SandboxRequest): Command {
  const { checkout, home, temporary, scratch, hide, user } = request;
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const asRoot = user === null ? ["--user", "--map-root-user"] : [];
  // A second user namespace, in which it is who it was: some programs refuse to run as root, and the mounts are sealed in.
  const asItself = user === null ? ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`, "--"] : [];
  const args = [
    "--pdeathsig",
    "KILL",
    "--",
    "unshare",
    ...asRoot,
    "--mount",
    "--pid",
    "--ipc",
    "--uts",
    "--fork",
    "--kill-child=KILL",
    "--propagation",
    "private",
    "--",
    "/bin/sh",
    "-c",
    SCRIPT,
    "sh",
    scratch,
    checkout,
    home,
    temporary,
    ...SYSTEM_FOLDERS,
    "--",
    ...seen(hide),
    "--",
    ...asItself,
    ...unprivileged(request),
  ];
  return { file: "setpriv", args, env: outerEnvironment(request), cwd: "/" };
}
