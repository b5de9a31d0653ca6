import type { PackedFileStore } from "../packed-file-store.ts";
import type { Tree } from "../types.ts";
import { buildImage, type BuildImageRequest, type ImageBuild } from "./build-image.ts";

export interface PushSiteRequest extends Pick<
  BuildImageRequest,
  "base" | "facts" | "reference" | "cache" | "onBlob" | "signal"
> {
  client: NonNullable<BuildImageRequest["client"]>;
  files: PackedFileStore;
  /** Its files are in the file store. */
  tree: Tree;
}

/** Contents are read in pieces of this size. */
const PIECE = 256 * 1024;

/**
 * Puts a site whose files are kept here into a registry, as an image that runs: the base, and on it the files with their compressed forms. Of files whose layers the
 * registry has, nothing is read. Throws what `buildImage` throws.
 */
export async function pushSite({ files, tree, ...request }: PushSiteRequest): Promise<ImageBuild> {
  using _ = files.hold();
  return await buildImage({
    ...request,
    async readSite(content) {
      for (const { hash, size } of tree) content.later({ hash, size }, () => contentOf(files, hash));
      return tree;
    },
    output: null,
    compression: "gzip",
    precompress: "quickly",
  });
}

async function* contentOf(files: PackedFileStore, hash: Buffer): AsyncGenerator<Uint8Array, void, void> {
  const location = files.locate(hash);
  if (location === undefined) throw new Error(`${hash.toString("hex")} is not in the file store`);
  using pack = files.packs.open(location.pack);
  for (let done = 0; done < location.size;) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, location.size - done));
    await pack.read(piece, location.offset + done);
    done += piece.length;
    yield piece;
  }
}
