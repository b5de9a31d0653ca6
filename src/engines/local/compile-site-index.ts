import { setImmediate as nextTurn } from "node:timers/promises";
import type { AppDefinition } from "../../config/index.ts";
import { type MadeSiteIndex, SiteIndexMaker } from "../../ingress/snapshot/index.ts";
import type { Encoding, Location, Tree } from "../../images/index.ts";
import { SteppeError } from "../../shared/errors.ts";
import { readContent } from "./read-content.ts";

/** After so many files others get their turn: control must answer while a big site is placed. */
const FILES_A_TURN = 2_000;
/** Files at the root of a site that are for Steppe or other tools, not for visitors. */
const NOT_FOR_VISITORS: ReadonlySet<string> = new Set(["steppe.yaml", "Dockerfile"]);
/** Bytes of `_headers` or `_redirects`. */
const MOST_RULES = 1 << 20;

/** Tells where contents and their compressed forms lie, in the order asked for: the file store of `images/`. */
export interface FileLocator {
  locateWithEncodings(
    hashes: readonly Uint8Array[],
  ): ({ file: Location; encodings: Partial<Record<Encoding, Location>> } | undefined)[];
}

export interface CompileOptions {
  definition: AppDefinition;
  /** For `Last-Modified`: seconds since 1970, different for each release of an app. */
  modifiedAt: number;
  packFolder: string;
}

/**
 * Compiles the site index of a tree: where each file and each of its compressed forms lies, and what the site's `_headers` and
 * `_redirects` say.
 * Throws CONTENT_CORRUPT if the store lacks a file, or the signal's reason.
 */
export async function compileSiteIndex(
  tree: Tree,
  files: FileLocator,
  options: CompileOptions,
  signal?: AbortSignal,
): Promise<MadeSiteIndex> {
  const rules = (path: string): Uint8Array | undefined => readRules(path, tree, files, options.packFolder);
  const { notFoundPage, fallback, cleanUrls, cacheControl } = options.definition;
  using maker = new SiteIndexMaker({
    notFoundPage,
    ...(fallback === null ? {} : { fallback }),
    cleanUrls,
    cacheControl: cacheControl.changing,
    cacheControlImmutable: cacheControl.hashed,
    headers: rules("_headers"),
    redirects: rules("_redirects"),
  });
  for (let from = 0; from < tree.length; from += FILES_A_TURN) {
    if (from > 0) await nextTurn();
    signal?.throwIfAborted();
    const some = tree.slice(from, from + FILES_A_TURN);
    const places = files.locateWithEncodings(some.map(({ hash }) => hash));
    for (const [i, { path, hash }] of some.entries()) {
      const place = places[i];
      if (place === undefined) throw missing(path, hash);
      if (!NOT_FOR_VISITORS.has(path)) maker.add({ path, hash, identity: place.file, ...place.encodings });
    }
  }
  return maker.finish(options.modifiedAt);
}

/** A file of rules, if the site has it. */
function readRules(path: string, tree: Tree, files: FileLocator, packFolder: string): Uint8Array | undefined {
  const entry = tree.find((one) => one.path === path);
  if (entry === undefined) return undefined;
  const place = files.locateWithEncodings([entry.hash])[0]?.file;
  if (place === undefined) throw missing(path, entry.hash);
  if (place.size <= MOST_RULES) return readContent(packFolder, place);
  throw new SteppeError("CONFIG_INVALID", {
    operation: "place",
    subject: path,
    cause: `it has ${place.size} bytes, and may have ${MOST_RULES}`,
    hint: "Write fewer rules: with `*` and placeholders, one can stand for many.",
  });
}

function missing(path: string, hash: Buffer): SteppeError {
  const cause = `the file store has no content ${hash.toString("hex").slice(0, 12)}…`;
  return new SteppeError("CONTENT_CORRUPT", { operation: "place", subject: path, cause });
}
