import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCore } from "../build-core.ts";
import { compileNative, generateSources, type NativeSources } from "./compile-native.ts";
import type { Binary } from "./oci-image.ts";
import { missingPackages, type Target } from "./toolchain.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** For size, at 5 % of the core's speed, which is 1 % of an answer: the rest is the kernel's. */
const OPTIMIZATION = "-O3z";

/** The version in package.json. */
export function versionOfPackage(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

/**
 * Makes the C of the core, as the native host is built of it.
 *
 * @param folder for what is made; emptied before
 * @param targets whose compilers must be there
 * @throws with the Debian packages that are missing
 */
export async function prepareSources(folder: string, targets: readonly Target[]): Promise<NativeSources> {
  const missing = missingPackages(targets);
  if (missing.length > 0) throw new Error(`the toolchain is not whole: apt install ${missing.join(" ")}`);
  rmSync(folder, { recursive: true, force: true });
  const modules = join(folder, "core");
  mkdirSync(modules, { recursive: true });
  await buildCore(modules, OPTIMIZATION);
  return await generateSources(modules, join(folder, "generated"), versionOfPackage());
}

/**
 * Builds the native host from the sources of the core and the host.
 *
 * @param folder for what is made on the way; emptied before
 * @param defines of C, for binaries that are tested
 * @throws with the Debian packages that are missing
 */
export async function buildNative(
  folder: string,
  targets: readonly Target[],
  defines: readonly string[] = [],
): Promise<Binary[]> {
  const sources = await prepareSources(folder, targets);
  return Promise.all(
    targets.map(async (target) => ({
      architecture: target.architecture,
      content: readFileSync(await compileNative(sources, target, defines)),
    })),
  );
}
