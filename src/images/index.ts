export { collectGarbage } from "./collect-garbage.ts";
export { createdAt } from "./created-at.ts";
export { EncodingMaker } from "./encoding-maker.ts";
export { exportImage, type ExportOptions } from "./export-image.ts";
export { type ImageConfig, parseImageConfig, siteFolderOf, STATIC_BASE } from "./incoming/image-config.ts";
export { type KeptLayer, mergeLayers, readPlaces } from "./incoming/merge-layers.ts";
export type { FilePlace, MergedEntry, MergedTree } from "./incoming/merged-tree.ts";
export { pullImage, type PullOptions } from "./incoming/pull-image.ts";
export {
  type CompressedLayers,
  readDockerArchive,
  type ReadDockerArchiveOptions,
} from "./incoming/read-docker-archive.ts";
export { type OpenImage, readOciLayout, type ReadLayoutOptions } from "./incoming/read-oci-layout.ts";
export { ImageStore, openImageStore } from "./image-store.ts";
export { MOST_IMAGE_BYTES } from "./taken-images.ts";
export type { ImageArchive } from "./layout-archive.ts";
export { formatPlatform } from "./registry/manifest.ts";
export { openFileStore, type PackedFileStore } from "./packed-file-store.ts";
export { json, MEDIA_TYPES, sha256Digest } from "./oci-manifest.ts";
export { openRegistryClient, type RegistryAccess } from "./open-registry-client.ts";
export {
  formatReference,
  type ImageReference,
  isDigest,
  isRepository,
  isTag,
  parseReference,
  parseRegistry,
} from "./registry/reference.ts";
export type { RegistryClient } from "./registry/registry-client.ts";
export { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";
export type * from "./types.ts";
