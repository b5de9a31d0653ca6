import type { OciImage } from "./types.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";

/** An image as a tar archive of an OCI image layout, `oci-archive:` of skopeo, that `docker load` of all versions takes as well. */
export interface ImageArchive {
  /** Bytes. */
  size: number;
  /** The archive, made on the way. Throws CONTENT_CORRUPT where it is not what its digests say. */
  content(): AsyncGenerator<Buffer, void, void>;
}

/** One file of a layout. Its content is read once, when its turn has come. */
export interface LayoutFile {
  path: string;
  size: number;
  content: () => AsyncIterable<Buffer>;
}

/** The archive of these files, in this order. */
export function layoutArchive(files: readonly LayoutFile[]): ImageArchive {
  return {
    size: files.reduce(
      (sum, { path, size }) => sum + tarHeader(path, size).length + size + tarPadding(size),
      TAR_END.length,
    ),
    content: () => archive(files),
  };
}

/** A file of a layout that is in memory. */
export function plainFile(path: string, bytes: Buffer): LayoutFile {
  return {
    path,
    size: bytes.length,
    async *content() {
      yield bytes;
    },
  };
}

/**
 * What Docker before version 25 reads in place of the index, and newer ones write as well.
 * https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
 */
export function dockerManifest({ configDigest, layers }: OciImage, repoTag: string | undefined): object[] {
  const Layers = layers.map(({ digest }) => blobPath(digest));
  return [{ Config: blobPath(configDigest), RepoTags: repoTag === undefined ? null : [repoTag], Layers }];
}

/** Where a blob lies in a layout. https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

async function* archive(files: readonly LayoutFile[]): AsyncGenerator<Buffer, void, void> {
  for (const { path, size, content } of files) {
    yield tarHeader(path, size);
    yield* content();
    yield Buffer.alloc(tarPadding(size));
  }
  yield TAR_END;
}
