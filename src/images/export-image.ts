import type { ImageStore } from "./image-store.ts";
import { json, layoutIndex, OCI_LAYOUT } from "./oci-manifest.ts";
import type { OciImage } from "./types.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";

export interface ExportOptions {
  /** What the image is called in the layout: `skopeo copy oci-archive:FILE:NAME`. */
  name: string;
  /** What `docker load` calls it: `blog:3`. Default: nothing. */
  repoTag?: string | undefined;
}

/** An image as a tar archive of an OCI image layout, `oci-archive:` of skopeo, that `docker load` of all versions takes as well. */
export interface ImageArchive {
  /** Bytes. */
  size: number;
  /** The archive, made on the way. Throws CONTENT_CORRUPT where it is not what its digests say. */
  content(): AsyncGenerator<Buffer, void, void>;
}

/** One file of a layout. Its content is read once, when its turn has come. */
interface LayoutFile {
  path: string;
  size: number;
  content: () => AsyncIterable<Buffer>;
}

/**
 * Opens an image to be sent away. Nothing of it is written to disk here.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 * Throws CONTENT_CORRUPT.
 */
export async function exportImage(images: ImageStore, digest: string, options: ExportOptions): Promise<ImageArchive> {
  const files = layoutFiles(await images.open(digest), options);
  return {
    size: files.reduce(
      (sum, { path, size }) => sum + tarHeader(path, size).length + size + tarPadding(size),
      TAR_END.length,
    ),
    content: () => archive(files),
  };
}

/** The index comes last: a layout that has one is whole. */
function layoutFiles(image: OciImage, { name, repoTag }: ExportOptions): LayoutFile[] {
  const { mediaType, digest, manifest } = image;
  const blobs = [
    ...image.layers.map(({ digest, size, content }) => ({ path: blobPath(digest), size, content })),
    file(blobPath(image.configDigest), image.config),
    file(blobPath(digest), manifest),
  ];
  return [
    file("oci-layout", json(OCI_LAYOUT)),
    // Two layers may be the same.
    ...new Map(blobs.map((blob) => [blob.path, blob])).values(),
    file("manifest.json", json(dockerManifest(image, repoTag))),
    file("index.json", json(layoutIndex([{ descriptor: { mediaType, digest, size: manifest.length }, name }]))),
  ];
}

/**
 * What Docker before version 25 reads in place of the index, and newer ones write as well.
 * https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format
 */
function dockerManifest({ configDigest, layers }: OciImage, repoTag: string | undefined): object[] {
  const Layers = layers.map(({ digest }) => blobPath(digest));
  return [{ Config: blobPath(configDigest), RepoTags: repoTag === undefined ? null : [repoTag], Layers }];
}

function file(path: string, bytes: Buffer): LayoutFile {
  return {
    path,
    size: bytes.length,
    async *content() {
      yield bytes;
    },
  };
}

function blobPath(digest: string): string {
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
