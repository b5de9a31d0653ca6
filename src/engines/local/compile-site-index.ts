import { setImmediate as nextTurn } from "node:timers/promises";
import { SiteIndexBuilder, type SiteIndexOptions } from "../../ingress/snapshot/index.ts";
import type { Encoding, Location, Tree } from "../../images/index.ts";
import { SteppeError } from "../../shared/errors.ts";

/** After so many files others get their turn: control must answer while a big site is placed. */
const FILES_A_TURN = 2_000;

/** Tells where contents and their compressed forms lie, in the order asked for: the file store of `images/`. */
export interface FileLocator {
  locateWithEncodings(
    hashes: readonly Uint8Array[],
  ): ({ file: Location; encodings: Partial<Record<Encoding, Location>> } | undefined)[];
}

/**
 * Compiles the site index of a tree: where each file and each of its compressed forms lies.
 * Throws CONTENT_CORRUPT if the store lacks a file, or the signal's reason.
 */
export async function compileSiteIndex(
  tree: Tree,
  files: FileLocator,
  options: SiteIndexOptions,
  signal?: AbortSignal,
): Promise<Buffer> {
  const builder = new SiteIndexBuilder();
  for (let from = 0; from < tree.length; from += FILES_A_TURN) {
    if (from > 0) await nextTurn();
    signal?.throwIfAborted();
    const some = tree.slice(from, from + FILES_A_TURN);
    const places = files.locateWithEncodings(some.map(({ hash }) => hash));
    for (const [i, { path, hash }] of some.entries()) {
      const place = places[i];
      if (place === undefined) throw missing(path, hash);
      builder.add({ path, hash, identity: place.file, ...place.encodings });
    }
  }
  return builder.finish(options);
}

function missing(path: string, hash: Buffer): SteppeError {
  const cause = `the file store has no content ${hash.toString("hex").slice(0, 12)}…`;
  return new SteppeError("CONTENT_CORRUPT", { operation: "place", subject: path, cause });
}
