import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { runCommand } from "../../src/shared/run-command.ts";

/** A machine that the image is built for, as OCI names it. */
export type Architecture = "amd64" | "arm64";

export interface Target {
  /** As OCI names it. */
  architecture: Architecture;
  compiler: string;
  /** musl's paths for that compiler. */
  specs: string;
  flags: readonly string[];
}

/** Both compilers have these names on either machine: the native one has its long name too. */
export const targets: readonly Target[] = [
  {
    architecture: "amd64",
    compiler: "x86_64-linux-gnu-gcc",
    specs: "/usr/lib/x86_64-linux-musl/musl-gcc.specs",
    // Nothing here has vectors on the stack, but for what the kernel may: see vdso.c.
    flags: ["-mpreferred-stack-boundary=3"],
  },
  {
    architecture: "arm64",
    compiler: "aarch64-linux-gnu-gcc",
    specs: "/usr/lib/aarch64-linux-musl/musl-gcc.specs",
    // The library of the compiler would ask musl which instructions there are.
    flags: ["-mno-outline-atomics"],
  },
];

const WASM2C = "wasm2c";
/** The names that wasm2c makes, and what it wants of its run-time, differ between versions: src/site-server/native/core.h and wasm-rt.h fit this one. */
const WASM2C_VERSION = "1.0.32";

/** The Debian packages that have what is missing, or nothing if the native host can be built for these targets. */
export function missingPackages(wanted: readonly Target[] = targets): string[] {
  const missing = new Set<string>();
  if (findProgram(WASM2C) === undefined) missing.add("wabt");
  for (const { architecture, compiler, specs } of wanted) {
    const cross = architecture === "amd64" ? "gcc-x86-64-linux-gnu" : "gcc-aarch64-linux-gnu";
    if (findProgram(compiler) === undefined) missing.add(cross);
    if (!existsSync(specs)) missing.add(`musl-dev:${architecture}`);
  }
  return [...missing];
}

/**
 * Runs a program of the toolchain, in `cwd`.
 *
 * @returns what it printed
 * @throws with what it said, if it fails
 */
export async function runTool(file: string, args: readonly string[], cwd: string): Promise<string> {
  // A fixed locale and time: what it makes must not depend on who runs it.
  const environment = { PATH: env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", SOURCE_DATE_EPOCH: "0" };
  const { code, stdout, stderr } = await runCommand({ file, args, cwd, env: environment });
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}:\n${stderr}`);
  return stdout.toString("utf8");
}

/** Turns a module into C with the names that core.h expects. */
export async function wasmToC(wasm: string, name: string, into: string): Promise<void> {
  const version = (await runTool(WASM2C, ["--version"], into)).trim();
  if (version !== WASM2C_VERSION) {
    throw new Error(`wasm2c is ${version}, and core.h is for ${WASM2C_VERSION}: install wabt of Debian 12`);
  }
  await runTool(WASM2C, [wasm, "--module-name", name, "--output", `${name}.c`], into);
}

function findProgram(name: string): string | undefined {
  return (env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false; // not there, or not for us
      }
    });
}

/** The version of an installed Debian package. */
export async function packageVersion(name: string): Promise<string> {
  const versions = await runTool("dpkg-query", ["--show", "--showformat=${Version}\\n", name], "/");
  return versions.split("\n")[0] ?? "";
}
