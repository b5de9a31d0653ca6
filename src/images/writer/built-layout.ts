import { type Descriptor, json, layoutIndex, MEDIA_TYPES, OCI_LAYOUT } from "../oci-manifest.ts";
import { formatPlatform, ownPlatform } from "../registry/manifest.ts";
import { formatReference, type ImageReference } from "../registry/reference.ts";
import { blobPath, dockerManifest, type LayoutFile, plainFile } from "../layout-archive.ts";
import type { BuiltImage } from "./image-documents.ts";

/** How the index of a layout names an image. */
export interface LayoutEntry {
  descriptor: Descriptor;
  name: string;
}

/** The blobs of what was built, each once, and how an index of a layout names it. */
export function layoutOf(built: BuiltImage, reference: ImageReference): { blobs: LayoutFile[]; entry: LayoutEntry } {
  const { index, images } = built;
  const blobs = images.flatMap((image) => [
    ...image.layers.map(({ digest, size, content }) => ({ path: blobPath(digest), size, content })),
    plainFile(blobPath(image.configDigest), image.config),
    plainFile(blobPath(image.digest), image.manifest),
  ]);
  if (index !== null) blobs.push(plainFile(blobPath(built.digest), index.content));
  const [first] = images;
  const top = index ?? { mediaType: MEDIA_TYPES.manifest, content: first?.manifest ?? Buffer.alloc(0) };
  return {
    blobs: [...new Map(blobs.map((blob) => [blob.path, blob])).values()],
    entry: {
      name: reference.tag ?? "latest",
      descriptor: {
        mediaType: top.mediaType,
        digest: built.digest,
        size: top.content.length,
        // What containerd, and Docker with it, call it.
        annotations: { "io.containerd.image.name": formatReference(reference) },
      },
    },
  };
}

/**
 * The files of an archive that is both an OCI layout and what `docker load` of every version reads. Docker before 25 takes the one image that its
 * own `manifest.json` names: that for this machine, or the first.
 */
export function archiveFiles(built: BuiltImage, reference: ImageReference): LayoutFile[] {
  const { blobs, entry } = layoutOf(built, reference);
  const own = formatPlatform(ownPlatform());
  const image = built.images.find(({ platform }) => formatPlatform(platform) === own) ?? built.images[0];
  return [
    plainFile("oci-layout", json(OCI_LAYOUT)),
    ...blobs,
    ...(image === undefined
      ? []
      : [plainFile("manifest.json", json(dockerManifest(image, formatReference(reference))))]),
    plainFile("index.json", json(layoutIndex([entry]))),
  ];
}
