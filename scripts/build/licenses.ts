import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/**
 * The licences of all packages whose code is in the bundles, as one text.
 * Throws if a package does not say under which licence it is, so that none gets in unnoticed.
 *
 * @param root the folder that the metafile's paths are relative to
 */
export function licensesOf(metafile: Metafile, root: string): string {
  const folders = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const folder = packageFolder(input);
    if (folder !== undefined) folders.add(folder);
  }
  const texts = [...folders].sort().map((folder) => licenseOf(join(root, folder)));
  return ["The programs in this folder contain these packages.\n", ...texts].join(`\n${"-".repeat(80)}\n\n`);
}

/** The folder of the package that a file belongs to: `node_modules/@scope/name`, innermost first. */
function packageFolder(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  if (license === undefined) throw new Error(`${name} ${version} does not name its licence in package.json`);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  const text = file === undefined ? "" : `\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  const notice = existsSync(join(folder, "NOTICE")) ? `\n${readFileSync(join(folder, "NOTICE"), "utf8").trim()}\n` : "";
  return `${name} ${version}: ${license}\n${text}${notice}`;
}
