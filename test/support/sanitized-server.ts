import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { prepareSources } from "../../scripts/site-server/build-native.ts";
import { runTool } from "../../scripts/site-server/toolchain.ts";
import { cachedBuild, NATIVE_SOURCES } from "./cached-build.ts";
import { peer } from "./peers.ts";

const native = fileURLToPath(new URL("../../src/site-server/native", import.meta.url));

/** The calls of the kernel are glibc's: the sanitizers know those, and are told by them what is read and written. */
const REPLACED = new Set(["system.c", "vdso.c"]);
/** Ten of its seconds are one, so that time limits are come to in a short test. */
const CLOCK = "-DCLOCK_TICK=100000000";
const SANITIZERS = "-fsanitize=address,undefined";
const FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-g", "-O1", '-DSTEPPE_VERSION="sanitized"', CLOCK, SANITIZERS];
const STRICT = ["-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/** What the sanitizers want of the environment. What is not given back when the process ends is no leak: the kernel takes it. */
export const SANITIZER_ENV: Readonly<Record<string, string>> = {
  PATH: "/usr/bin:/bin:/usr/sbin:/sbin:/usr/lib/llvm-14/bin",
  ASAN_OPTIONS: "detect_leaks=0:detect_stack_use_after_return=1:strict_string_checks=1",
  UBSAN_OPTIONS: "print_stacktrace=1",
};

/** A line with which a sanitizer begins to tell what it found. */
export const FINDING: RegExp = /runtime error: |ERROR: \w+Sanitizer/;

/**
 * The native host under the address sanitizer and the one of undefined behaviour: all of it, with the core as it is in the image, but for the
 * calls of the kernel. Whatever they find ends it. Skips the test, naming the package, if there is no compiler for it.
 */
export async function sanitizedBinary(context: TestContext): Promise<string> {
  const clang = peer(context, "clang");
  peer(context, "libFuzzer of clang");
  peer(context, "wasm2c");
  return await cachedBuild(
    "steppe-sanitized",
    [...NATIVE_SOURCES, "test/support/sanitized-server.ts"],
    async (work) => {
      const { folder } = await prepareSources(join(work, "build"), []);
      const files = readdirSync(native).filter((name) => name.endsWith(".c") && !REPLACED.has(name));
      const queue = [
        ...["answer.c", "build.c"].map((name) => ({ path: join(folder, name), flags: ["-w"] })),
        ...files.map((name) => ({
          path: join(native, name),
          flags: ["-Wall", "-Wextra", "-Werror", "-Wno-string-plus-int"],
        })),
      ];
      const objects: string[] = [];
      const worker = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const object = join(work, `${objects.length}.o`);
          objects.push(object);
          const flags = [...FLAGS, ...STRICT, ...next.flags, `-I${folder}`, `-I${native}`];
          await runTool(clang, [...flags, "-c", next.path, "-o", object], work);
        }
      };
      await Promise.all([worker(), worker()]);
      const binary = join(work, "steppe-static");
      await runTool(clang, [SANITIZERS, ...objects, "-o", binary], work);
      return binary;
    },
  );
}
