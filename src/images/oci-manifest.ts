import { hash as digest } from "node:crypto";

/** What an OCI document says of a blob. https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export const MEDIA_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  gzipLayer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

interface Manifest {
  schemaVersion: 2;
  mediaType: typeof MEDIA_TYPES.manifest;
  config: Descriptor;
  layers: Descriptor[];
}

/**
 * The config and manifest of a data image with these layers: the same bytes for the same layers. There is nothing in it to run, so it fits every
 * machine; one platform must be named, and it is the same on all. The layers are not compressed, so their digests are their diff ids.
 */
export function makeManifest(layers: ReadonlyArray<{ digest: string; size: number }>): {
  manifest: Buffer;
  config: Buffer;
} {
  const config = json({
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
  });
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: describe(MEDIA_TYPES.config, config),
    layers: layers.map(({ digest: name, size }) => ({ mediaType: MEDIA_TYPES.layer, digest: name, size })),
  };
  return { manifest: json(manifest), config };
}

/** Reads what `makeManifest` made. */
export function parseManifest(manifest: Buffer): Manifest {
  return JSON.parse(manifest.toString("utf8")) as Manifest;
}

function describe(mediaType: string, content: Buffer): Descriptor {
  return { mediaType, digest: sha256Digest(content), size: content.length };
}

/** What the file `oci-layout` of a layout holds. */
export const OCI_LAYOUT = { imageLayoutVersion: "1.0.0" } as const;

/** What the file `index.json` of a layout with these images holds. */
export function layoutIndex(images: ReadonlyArray<{ descriptor: Descriptor; name: string }>): {
  schemaVersion: 2;
  mediaType: typeof MEDIA_TYPES.index;
  manifests: Descriptor[];
} {
  const manifests = images.map(({ descriptor, name }) => ({
    ...descriptor,
    annotations: { ...descriptor.annotations, "org.opencontainers.image.ref.name": name },
  }));
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
}

/** `sha256:…`, as OCI writes it. */
export function sha256Digest(content: Uint8Array): string {
  return `sha256:${digest("sha256", content, "hex")}`;
}

export function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
