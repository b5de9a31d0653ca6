import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { adaptGenerated } from "./adapt-generated.ts";
import { cutSections } from "./cut-sections.ts";
import { layoutHeader } from "./layout-header.ts";
import { mergeSegments } from "./merge-segments.ts";
import { runTool, type Target, wasmToC } from "./toolchain.ts";

const sources = fileURLToPath(new URL("../../src/site-server/native", import.meta.url));

const FLAGS = [
  // Loads and stores of the core are inlined even so (adapt-generated.ts): without that, this would make it 2 to 4 times slower.
  "-Oz",
  "-fno-jump-tables",
  "-fno-tree-switch-conversion",
  // Small loops stay loops: "rep stos" for five words is smaller, and takes longer to begin than they to end.
  "-fno-tree-loop-distribute-patterns",
  // What is kept over a call is on the stack, which is smaller than to move it about.
  "-fno-caller-saves",
  "-std=gnu11",
  "-D_GNU_SOURCE",
  "-DNDEBUG",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-ffunction-sections",
  "-fdata-sections",
  "-fno-asynchronous-unwind-tables",
  "-fno-unwind-tables",
  "-fno-ident",
  "-fno-pie",
];
/** wasm2c writes all of its helpers into each file, and compares what cannot differ. */
const GENERATED_FLAGS = ["-w"];
const LINK_FLAGS = [
  "-static",
  "-no-pie",
  // system.c has what begins the process, and the calls of the kernel.
  "-nostartfiles",
  "-s",
  "-Wl,--gc-sections",
  "-Wl,--build-id=none",
  "-Wl,-z,norelro",
  "-Wl,-z,noseparate-code",
  // Else what is written would begin at a page of the file of its own.
  "-Wl,-z,common-page-size=16",
  "-Wl,-z,noexecstack",
];

export interface NativeSources {
  /** The folder with what is generated: C of the modules, the header of the layout. */
  folder: string;
  version: string;
}

/**
 * Turns the modules of the core into C.
 *
 * @param modules the folder with `answer.wasm` and `build.wasm`
 * @param folder for what is made; emptied before
 */
export async function generateSources(modules: string, folder: string, version: string): Promise<NativeSources> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "layout.h"), layoutHeader());
  for (const name of ["answer", "build"]) {
    await wasmToC(join(modules, `${name}.wasm`), name, folder);
    const file = join(folder, `${name}.c`);
    const c = mergeSegments(readFileSync(file, "utf8"));
    writeFileSync(file, adaptGenerated(c, name));
  }
  return { folder, version };
}

/**
 * Compiles and links the native host: one static binary, the same bytes for the same sources and toolchain.
 *
 * @param defines `NAME=VALUE` of C, for binaries that are tested
 * @returns the path of the binary
 */
export async function compileNative(
  { folder, version }: NativeSources,
  target: Target,
  defines: readonly string[] = [],
): Promise<string> {
  const objects = join(folder, target.architecture);
  mkdirSync(objects, { recursive: true });
  const common = [
    `-specs=${target.specs}`,
    ...FLAGS,
    ...target.flags,
    `-DSTEPPE_VERSION="${version}"`,
    `-I${folder}`,
    `-I${sources}`,
  ];
  common.push(...defines.map((define) => `-D${define}`));
  const files = readdirSync(sources).filter((name) => name.endsWith(".c"));
  const units = [
    ...files.map((file) => ({ path: join(sources, file), flags: [] as string[] })),
    ...["answer.c", "build.c"].map((file) => ({ path: join(folder, file), flags: GENERATED_FLAGS })),
    // By their names, not their folders: the order in the binary must be the same wherever it is built.
  ].toSorted((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1));
  const compiled: string[] = [];
  for (const { path, flags } of units) {
    const name = path.slice(path.lastIndexOf("/") + 1, -2);
    const object = join(objects, `${name}.o`);
    await runTool(target.compiler, [...common, ...flags, "-c", path, "-o", object], folder);
    compiled.push(object);
  }
  const binary = join(objects, "steppe-static");
  await runTool(target.compiler, [`-specs=${target.specs}`, ...LINK_FLAGS, ...compiled, "-o", binary], folder);
  writeFileSync(binary, cutSections(readFileSync(binary)));
  return binary;
}
