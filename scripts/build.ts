import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { argv, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { build as bundle, type Metafile } from "esbuild";
import { entrySources } from "../src/shared/entry-file.ts";
import { buildCore } from "./build-core.ts";
import { builtinModules } from "./build/builtin-modules.ts";
import { licensesOf } from "./build/licenses.ts";
import { publishBundles } from "./build/publish-bundles.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** CommonJS dependencies ask for `require`, which ES modules do not have. */
const requireBanner =
  'import{createRequire as nodeCreateRequire}from"node:module";const require=nodeCreateRequire(import.meta.url);';

/**
 * Compiles the core of the site server, and bundles each entry of `entrySources` into `into`: one file each, and chunks for what several of them share or
 * import lazily. Every package is bundled, so that what is published needs nothing beside it.
 *
 * `into` is complete at every moment, see publishBundles. Its `.stamp` carries the time at which the build began:
 * a source that is newer was perhaps not seen.
 *
 * @param into default `dist` beside package.json
 */
export async function buildBundles(into: string = join(root, "dist")): Promise<Metafile> {
  const begin = new Date();
  mkdirSync(into, { recursive: true });
  await buildCore(join(into, "core"));
  const folder = mkdtempSync(join(into, ".building-"));
  try {
    const { metafile } = await bundle({
      absWorkingDir: root,
      entryPoints: Object.entries(entrySources).map(([name, source]) => ({ out: name, in: join("src", source) })),
      outdir: folder,
      bundle: true,
      splitting: true,
      chunkNames: "chunk-[hash]",
      format: "esm",
      platform: "node",
      target: "node24",
      minifyWhitespace: true,
      minifySyntax: true,
      lineLimit: 160, // a line number in a stack trace should say something
      legalComments: "none", // licenses.txt has them whole
      banner: { js: requireBanner },
      define: { STEPPE_VERSION: JSON.stringify(versionOfPackage()) },
      plugins: [builtinModules],
      metafile: true,
      logLevel: "error",
    });
    publishBundles({ from: folder, into, begin, licenses: licensesOf(metafile, root) });
    return metafile;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function versionOfPackage(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

async function main(): Promise<void> {
  // A package holds what this build made and nothing older.
  if (argv.includes("--clean")) rmSync(join(root, "dist"), { recursive: true, force: true });
  const { outputs } = await buildBundles();
  const entries = new Set(Object.values(entrySources).map((source) => `src/${source}`));
  for (const { entryPoint, bytes } of Object.values(outputs)) {
    if (entries.has(entryPoint ?? "")) stdout.write(`${entryPoint} ${(bytes / 1024).toFixed(0)} KiB\n`);
  }
}

if (argv[1] !== undefined && resolve(argv[1]) === fileURLToPath(import.meta.url)) {
  await main().catch((error: unknown) => {
    // esbuild has printed what is wrong with the sources, and where
    if (!(error instanceof Error && "errors" in error)) throw error;
    process.exitCode = 1;
  });
}
