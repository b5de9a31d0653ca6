import { SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { compactPacks, packsToCompact } from "./compact-packs.ts";
import { currentEncoders } from "./encoders.ts";
import type { ImageFile } from "./image-file.ts";
import type { ImageStore } from "./image-store.ts";
import { parseManifest } from "./oci-manifest.ts";

export interface GarbageOptions {
  /**
   * The digests of all images that releases, deployments under way, and grace times need. Asked for more than once: it tells what holds
   * now. Images that are made while the collection runs are kept anyway.
   */
  keepImages: () => ReadonlySet<string>;
  /**
   * Awaited after files have moved to other packs and before the old ones are removed: whoever keeps locations looks them up again.
   * If it throws, the old packs stay until the next collection. Not called if no pack is to go.
   */
  beforeRemoval: () => Promise<void>;
  log: Logger;
}

export interface CollectedGarbage {
  images: number;
  files: number;
  /** Bytes of disk that were freed. */
  bytes: number;
}

/**
 * Frees what no kept image needs. A crash at any point leaves every kept image readable; the next start or collection
 * ends the work. Waits for a moment in which nobody holds content (`PackedFileStore.hold`, an open batch). One collection
 * at a time; a second waits.
 *
 * 1. Mark what the kept images name, while others go on.
 * 2. In one go, with nobody holding: mark what came to be kept meanwhile; forget, in one transaction, the other images, unnamed files,
 *    and what was derived from them; remove the blobs that no image names.
 * 3. Copy what is live out of packs that are mostly dead.
 * 4. `beforeRemoval`, then remove packs and trees that no row names.
 *
 * A damaged tree of a kept image stops it: what that image needs is not known, so nothing is taken away. Throws CONTENT_CORRUPT.
 */
export function collectGarbage(images: ImageStore, options: GarbageOptions): Promise<CollectedGarbage> {
  return images.collecting(async (made) => {
    const { files } = images;
    const marked = await mark(images, options.keepImages());
    const swept = await files.holds.whenFree(() => sweep(images, marked, options.keepImages().union(made)));
    let bytes = images.removeTrees(swept.images) + swept.bytes - (await compact(images, options.log));
    // A pack that falls out of use while we wait below is not among them: nobody was told to let go of it.
    const unused = files.tables.unusedPacks();
    if (unused.length > 0) {
      await options.beforeRemoval();
      bytes += files.removePacks(unused);
    }
    return { images: swept.images.length, files: swept.files, bytes };
  });
}

/** Marks one image after the other, letting others run in between. Returns which it marked. */
async function mark(images: ImageStore, keep: ReadonlySet<string>): Promise<Set<string>> {
  images.files.tables.beginMarking();
  const marked = new Set<string>();
  for (const digest of keep) {
    if (!images.hasTree(digest)) continue;
    try {
      markImage(images, await images.readImage(digest));
    } catch (error) {
      throw undecided(error, digest);
    }
    marked.add(digest);
  }
  return marked;
}

function markImage(images: ImageStore, { tree, manifest }: ImageFile): void {
  const layers = parseManifest(manifest).layers.map((layer) => layer.digest);
  images.files.tables.mark(
    tree.map((entry) => entry.hash),
    layers,
  );
}

function sweep(
  images: ImageStore,
  marked: ReadonlySet<string>,
  keep: ReadonlySet<string>,
): { images: string[]; files: number; bytes: number } {
  const { tables } = images.files;
  for (const digest of keep) {
    if (!marked.has(digest) && images.hasTree(digest)) markImage(images, images.readImageSync(digest));
  }
  const gone = tables.images().flatMap((row) => (keep.has(row.digest) ? [] : [row.digest]));
  const swept = tables.store.transaction(() => {
    images.forgetImages(gone);
    return tables.sweep(currentEncoders());
  });
  tables.endMarking();
  // At once: a blob that is looked at when nobody holds any more is there to stay.
  return { images: gone, files: swept, bytes: images.taken.removeUnnamed() };
}

/** Wants room for a copy; without it, what needs no copy is freed all the same, and the rest next time. Returns the copy's bytes. */
async function compact(images: ImageStore, log: Logger): Promise<number> {
  try {
    return await compactPacks(images.files, packsToCompact(images.files.tables.packUse()), log);
  } catch (error) {
    if (!(error instanceof SteppeError) || error.code !== "DISK_FULL") throw error;
    log.warn({ error: error.message }, "no room to compact packs; only what is wholly dead is removed");
    return 0;
  }
}

function undecided(error: unknown, digest: string): unknown {
  if (!(error instanceof SteppeError) || error.code !== "CONTENT_CORRUPT") return error;
  const cause = `${error.reason}, so what it needs is not known, and nothing was removed`;
  return new SteppeError("CONTENT_CORRUPT", { operation: "collect garbage, reading", subject: digest, cause });
}
