export { layoutBase, openBase, registryBase } from "./base-image.ts";
export { buildImage, type ImageBuild, type ImageOutput } from "./build-image.ts";
export type { ImageFacts } from "./image-documents.ts";
export { LayerCache } from "./layer-cache.ts";
export type { Compression } from "./pack-layer.ts";
export { openRegistryClient } from "../open-registry-client.ts";
export { formatPlatform, parsePlatform, type Platform } from "../registry/manifest.ts";
export { formatReference, type ImageReference, parseReference, parseRegistry } from "../registry/reference.ts";
export type { RegistryClient } from "../registry/registry-client.ts";
