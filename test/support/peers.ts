import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "vitest";

/**
 * The real programs that tests run against, and the Debian package that each is in. A path instead of
 * a program is looked for as it is. `.ci/run` installs these packages: keep its list the same (a test holds that).
 */
export const peers = {
  git: { package: "git" },
  "git-http-backend": { package: "git", path: "/usr/lib/git-core/git-http-backend" },
  bwrap: { package: "bubblewrap" },
  curl: { package: "curl" },
  openssl: { package: "openssl" },
  skopeo: { package: "skopeo" },
  "docker-registry": { package: "docker-registry" },
  htpasswd: { package: "apache2-utils" },
  umoci: { package: "umoci" },
  jekyll: { package: "jekyll" },
  "time zones": { package: "tzdata", path: "/usr/share/zoneinfo/Europe" },
  hugo: { package: "hugo" },
  wrk: { package: "wrk" },
  h2load: { package: "nghttp2-client" },
  "rust-doc": { package: "rust-doc", path: "/usr/share/doc/rust-doc/html" },
  "update-ca-certificates": { package: "ca-certificates", path: "/usr/sbin/update-ca-certificates" },
  "systemd-analyze": { package: "systemd" },
  busybox: { package: "busybox-static" },
  docker: { package: "docker.io" },
  buildah: { package: "buildah" },
  dockerd: { package: "docker.io" },
  pgrep: { package: "procps" },
  // The toolchain of the native site server: see scripts/site-server/toolchain.ts.
  wasm2c: { package: "wabt" },
  "x86_64-linux-gnu-gcc": { package: "gcc" },
  "aarch64-linux-gnu-gcc": { package: "gcc-aarch64-linux-gnu" },
  "musl of amd64": { package: "musl-dev", path: "/usr/lib/x86_64-linux-musl/musl-gcc.specs" },
  "musl of arm64": { package: "musl-dev:arm64", path: "/usr/lib/aarch64-linux-musl/musl-gcc.specs" },
  "qemu-aarch64-static": { package: "qemu-user-static" },
  // Its fuzzers: see test/fuzz.
  clang: { package: "clang" },
  "libFuzzer of clang": { package: "libclang-rt-14-dev", path: "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux" },
} as const satisfies Record<string, { package: string; path?: string }>;

export type PeerName = keyof typeof peers;

/** Where the program is, or why a test that wants it cannot run. */
export function findPeer(name: PeerName): { path: string } | { missing: string } {
  const peer: { package: string; path?: string } = peers[name];
  const path = peer.path === undefined ? findProgram(name) : [peer.path].find(isUsable);
  return path === undefined ? { missing: missingReason(name, peer.package) } : { path };
}

/** Where a program is, or undefined; also in the folders of programs for root. */
export function findProgram(name: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, name))
    .find(isUsable);
}

/** The path of the program; skips the test with the reason if it is not there. */
export function peer(context: Pick<TestContext, "skip">, name: PeerName): string {
  const found = findPeer(name);
  return "path" in found ? found.path : context.skip(found.missing);
}

/** How a skipped test says that a program is missing; the reporter makes that a failure in CI. */
function missingReason(name: string, packageName: string): string {
  return `needs ${name} of the Debian package ${packageName}`;
}

/** Whether a test was skipped because a program is missing. */
export function isMissingPeer(reason: string | undefined): boolean {
  return reason !== undefined && reason.includes(" of the Debian package ");
}

function searchPath(): string[] {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"].filter((folder) => folder !== "");
}

function isUsable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // there, but not for us
  }
}
