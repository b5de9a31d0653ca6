import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCore } from "../../scripts/build-core.ts";
import { layoutHeader } from "../../scripts/site-server/layout-header.ts";
import { missingPackages, runTool, wasmToC } from "../../scripts/site-server/toolchain.ts";
import { cachedBuild, NATIVE_SOURCES } from "../support/cached-build.ts";
import { findProgram } from "../support/peers.ts";
import { COMMON_HARNESS, type Fuzzer, fuzzers } from "./fuzzers.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const harness = join(root, "test/fuzz/harness");
const native = join(root, "src/site-server/native");

const MODULES = ["answer", "build"];

const SOURCES = [...NATIVE_SOURCES, "test/fuzz/harness", "test/fuzz/build-fuzzers.ts", "test/fuzz/fuzzers.ts"];

const FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-g", '-DSTEPPE_VERSION="fuzz"'];
/** The core checks its memory itself, and that memory is no variable of C. Comparisons are not traced: nearly all are the checks of loads and stores. */
const CORE_FLAGS = ["-w", "-O2", "-fsanitize=fuzzer-no-link", "-fno-sanitize-coverage=trace-cmp"];
const SANITIZERS = "address,undefined";
const HOST_FLAGS = [
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wno-string-plus-int",
  "-O1",
  `-fsanitize=fuzzer-no-link,${SANITIZERS}`,
  "-fno-sanitize-recover=all",
];
/** Files whose calls of the system are the harness's. */
const REPLACED: Readonly<Record<string, readonly string[]>> = {
  "options.c": ["-D_exit=leave_instead", "-Dwrite=write_instead"],
};

/** What is missing to build the fuzzers, as a test says why it is skipped; undefined if nothing is. */
export function missingForFuzzers(): string | undefined {
  const missing = missingPackages([]);
  if (findProgram("clang") === undefined) missing.push("clang");
  else if (!hasRuntime()) missing.push("libclang-rt-14-dev");
  return missing.length === 0 ? undefined : `needs a toolchain of the Debian package ${missing.join(" ")}`;
}

function hasRuntime(): boolean {
  const folder = "/usr/lib/llvm-14/lib/clang";
  if (!existsSync(folder)) return true; // another clang than Debian's: it says itself what it lacks
  return readdirSync(folder).some((version) => existsSync(join(folder, version, "lib/linux")));
}

/**
 * Builds all fuzzers, unless they are there already.
 *
 * @returns the folder with a program for each
 * @throws with what the compiler said
 */
export async function buildFuzzers(): Promise<string> {
  return await cachedBuild("steppe-fuzzers", SOURCES, async (work) => {
    await generate(join(work, "core"));
    const programs = join(work, "programs");
    mkdirSync(programs);
    const objects = await compile(work);
    await Promise.all(fuzzers.map((fuzzer) => link(fuzzer, objects, join(programs, fuzzer.name), work)));
    return programs;
  });
}

/** Writes the C of the core, as wasm2c makes it of the very modules that Node runs, and the header of its layout. */
async function generate(into: string): Promise<void> {
  mkdirSync(into);
  writeFileSync(join(into, "layout.h"), layoutHeader());
  await buildCore(into);
  for (const name of MODULES) await wasmToC(join(into, `${name}.wasm`), name, into);
}

/** Compiles each file once; returns the object of each by its path. */
async function compile(work: string): Promise<ReadonlyMap<string, string>> {
  const generated = join(work, "core");
  const files = new Map<string, readonly string[]>();
  for (const name of MODULES) files.set(join(generated, `${name}.c`), CORE_FLAGS);
  for (const fuzzer of fuzzers) {
    for (const name of fuzzer.host) files.set(join(native, name), [...HOST_FLAGS, ...(REPLACED[name] ?? [])]);
    for (const name of harnessOf(fuzzer)) files.set(join(harness, name), HOST_FLAGS);
  }
  const objects = new Map<string, string>();
  const includes = [`-I${harness}`, `-I${generated}`, `-I${native}`];
  const queue = [...files];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [file, flags] = next;
      const object = join(work, `${objects.size}.o`);
      objects.set(file, object);
      await runTool("clang", [...FLAGS, ...flags, ...includes, "-c", file, "-o", object], work);
    }
  };
  await Promise.all([worker(), worker()]);
  return objects;
}

async function link(fuzzer: Fuzzer, objects: ReadonlyMap<string, string>, into: string, work: string): Promise<void> {
  const files = [
    ...MODULES.map((name) => join(work, "core", `${name}.c`)),
    ...fuzzer.host.map((name) => join(native, name)),
    ...harnessOf(fuzzer).map((name) => join(harness, name)),
  ];
  const linked = files.map((file) => objects.get(file) ?? file);
  await runTool("clang", [`-fsanitize=fuzzer,${SANITIZERS}`, ...linked, "-o", into], work);
}

function harnessOf({ name, harness: more = [] }: Fuzzer): string[] {
  return [...COMMON_HARNESS, ...more, `${name}.c`];
}
