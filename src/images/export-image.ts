import type { ImageStore } from "./image-store.ts";
import {
  blobPath,
  dockerManifest,
  type ImageArchive,
  layoutArchive,
  type LayoutFile,
  plainFile,
} from "./layout-archive.ts";
import { json, layoutIndex, OCI_LAYOUT } from "./oci-manifest.ts";
import type { OciImage } from "./types.ts";

export interface ExportOptions {
  /** What the image is called in the layout: `skopeo copy oci-archive:FILE:NAME`. */
  name: string;
  /** What `docker load` calls it: `blog:3`. Default: nothing. */
  repoTag?: string | undefined;
}

/**
 * Opens an image to be sent away. Nothing of it is written to disk here.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 * Throws CONTENT_CORRUPT.
 */
export async function exportImage(images: ImageStore, digest: string, options: ExportOptions): Promise<ImageArchive> {
  return layoutArchive(layoutFiles(await images.open(digest), options));
}

/** The index comes last: a layout that has one is whole. */
function layoutFiles(image: OciImage, { name, repoTag }: ExportOptions): LayoutFile[] {
  const { mediaType, digest, manifest } = image;
  const blobs = [
    ...image.layers.map(({ digest, size, content }) => ({ path: blobPath(digest), size, content })),
    plainFile(blobPath(image.configDigest), image.config),
    plainFile(blobPath(digest), manifest),
  ];
  return [
    plainFile("oci-layout", json(OCI_LAYOUT)),
    // Two layers may be the same.
    ...new Map(blobs.map((blob) => [blob.path, blob])).values(),
    plainFile("manifest.json", json(dockerManifest(image, repoTag))),
    plainFile("index.json", json(layoutIndex([{ descriptor: { mediaType, digest, size: manifest.length }, name }]))),
  ];
}
