import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { argv, stdout } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = "src/site-server/core";

/** The modules of the core, each with its entry `index.ts` in a folder of its name. */
const MODULES = ["answer", "build"] as const;

/** No imports, no garbage collector, and so no allocation: see src/site-server/core/layout.ts. */
const OPTIONS = ["--runtime", "stub", "--use", "abort=", "--converge"];

/**
 * Compiles the core of the site server (AssemblyScript) to `answer.wasm` and `build.wasm` in `into`. A module that is newer than all
 * sources is left alone. Each file is replaced at once, so that it is whole at every moment.
 *
 * @param into default `dist/core` beside package.json
 * @param optimization of the compiler: for speed unless said otherwise
 * @throws with the compiler's messages, if the sources have mistakes
 */
export async function buildCore(into: string = join(root, "dist/core"), optimization = "-O3"): Promise<void> {
  mkdirSync(into, { recursive: true });
  const newest = newestSource();
  for (const name of MODULES) {
    const output = join(into, `${name}.wasm`);
    const entry = join(sources, name, "index.ts");
    if (!existsSync(join(root, entry)) || modifiedAt(output) > newest) continue;
    const wasm = await compile(entry, optimization);
    const temporary = `${output}.${process.pid}.tmp`;
    try {
      writeFileSync(temporary, wasm);
      renameSync(temporary, output);
    } finally {
      rmSync(temporary, { force: true });
    }
  }
}

async function compile(entry: string, optimization: string): Promise<Uint8Array> {
  // Imported here, since it takes a tenth of a second that a build with nothing to do would not like to wait.
  const { main } = await import("assemblyscript/asc");
  const output = "module.wasm";
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await main([entry, "--outFile", output, ...OPTIONS, optimization, "--baseDir", root], {
    writeFile(name, contents) {
      if (name === output) wasm = typeof contents === "string" ? Buffer.from(contents) : contents;
    },
  });
  if (error !== null || wasm === undefined) {
    throw new Error(`${entry} does not compile:\n${stderr.toString()}`, { cause: error });
  }
  return wasm;
}

function newestSource(): number {
  const folder = join(root, sources);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const times = files.filter((name) => !name.endsWith(".test.ts")).map((name) => modifiedAt(join(folder, name)));
  return Math.max(modifiedAt(fileURLToPath(import.meta.url)), ...times);
}

/** Milliseconds since 1970; 0 if there is no such file. */
function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (argv[1] !== undefined && resolve(argv[1]) === fileURLToPath(import.meta.url)) {
  await buildCore();
  for (const name of MODULES) {
    const { size } = statSync(join(root, "dist/core", `${name}.wasm`), { throwIfNoEntry: false }) ?? { size: 0 };
    stdout.write(`${name}.wasm ${size} bytes\n`);
  }
}
