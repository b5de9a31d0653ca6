import type { Descriptor } from "../oci-manifest.ts";
import { MEDIA_TYPES } from "../oci-manifest.ts";
import { isObject, parseObject } from "./json-document.ts";
import { isDigest } from "./reference.ts";

/** What images are for. */
export interface Platform {
  /** `linux` */
  os: string;
  /** As Go names it: `amd64`, `arm64`, `arm`. */
  architecture: string;
  /** `v7` of `arm`. */
  variant?: string;
}

/** An image for one platform. https://github.com/opencontainers/image-spec/blob/main/manifest.md */
export interface ImageManifest {
  kind: "image";
  mediaType: string;
  config: Descriptor;
  /** From the lowest to the uppermost. */
  layers: Descriptor[];
}

/** A list of images, one for each platform. https://github.com/opencontainers/image-spec/blob/main/image-index.md */
export interface ImageIndex {
  kind: "index";
  mediaType: string;
  manifests: PlatformDescriptor[];
}

export interface PlatformDescriptor extends Descriptor {
  platform?: Platform;
}

const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** The forms of a manifest that are understood, in the order in which they are liked. */
export const ACCEPTED_MANIFESTS: readonly string[] = [
  MEDIA_TYPES.index,
  MEDIA_TYPES.manifest,
  DOCKER_INDEX,
  DOCKER_MANIFEST,
];

/** Larger ones are refused, as registries do: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests */
export const MOST_MANIFEST_BYTES = 4 * 1024 * 1024;

/** A manifest that cannot be used; the message says why. */
export class ManifestError extends Error {}

/**
 * Reads a manifest or an index.
 *
 * @param contentType what the registry called it; what it says itself counts for more
 * Throws ManifestError.
 */
export function parseRemoteManifest(content: Uint8Array, contentType: string | undefined): ImageManifest | ImageIndex {
  const document = parseObject(content);
  if (document === undefined) throw new ManifestError("the manifest is no JSON object");
  const { manifests, layers, config, mediaType: own, schemaVersion } = document;
  if (schemaVersion !== 2) {
    throw new ManifestError(`the manifest has version ${String(schemaVersion)}; only version 2 can be used`);
  }
  // CVE-2021-41190: what can be read in two ways is read by none.
  if (manifests !== undefined && (layers !== undefined || config !== undefined)) {
    throw new ManifestError("the manifest claims to be an image and an index");
  }
  const told = contentType?.split(";")[0]?.trim().toLowerCase();
  const isIndex = manifests !== undefined;
  const fallback = isIndex ? MEDIA_TYPES.index : MEDIA_TYPES.manifest;
  const mediaType =
    typeof own === "string" ? own : told !== undefined && ACCEPTED_MANIFESTS.includes(told) ? told : fallback;
  const allowed: readonly string[] = isIndex
    ? [MEDIA_TYPES.index, DOCKER_INDEX]
    : [MEDIA_TYPES.manifest, DOCKER_MANIFEST];
  if (!allowed.includes(mediaType))
    throw new ManifestError(`the manifest is of the type ${mediaType}, which is not known`);
  if (isIndex) return { kind: "index", mediaType, manifests: list(manifests, "manifests").map(platformDescriptor) };
  return {
    kind: "image",
    mediaType,
    config: descriptor(config, "config"),
    layers: list(layers, "layers").map((layer, i) => descriptor(layer, `layers[${i}]`)),
  };
}

/**
 * The image of an index for a platform; undefined if it has none. An `arm` of a version runs what is for a lower one.
 */
export function chooseManifest({ manifests }: ImageIndex, platform: Platform): PlatformDescriptor | undefined {
  const fitting = manifests.filter(
    (item) =>
      item.platform?.os === platform.os &&
      normalArchitecture(item.platform.architecture) === normalArchitecture(platform.architecture),
  );
  for (const variant of variantsFor(platform)) {
    const found = fitting.find((item) => (item.platform?.variant ?? defaultVariant(platform)) === variant);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The platforms that an index names: `linux/amd64, linux/arm64`. */
export function describePlatforms({ manifests }: ImageIndex): string {
  const platforms = manifests.flatMap(({ platform }) =>
    platform === undefined || platform.os === "unknown" ? [] : [formatPlatform(platform)],
  );
  return platforms.length === 0 ? "none that it names" : platforms.join(", ");
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== "").join("/");
}

/** Reads `linux/arm64` or `linux/arm/v7`; undefined if it is neither. */
export function parsePlatform(text: string): Platform | undefined {
  const [os = "", architecture = "", variant, ...more] = text.split("/");
  if (more.length > 0 || ![os, architecture, variant ?? "-"].every((part) => /^[a-z0-9._-]+$/.test(part)))
    return undefined;
  return { os, architecture: normalArchitecture(architecture), ...(variant === undefined ? {} : { variant }) };
}

/** The platform of this machine, for which images run here. */
export function ownPlatform(): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };
  return { os: "linux", architecture: architectures[process.arch] ?? process.arch };
}

function variantsFor(platform: Platform): string[] {
  const variant = platform.variant ?? defaultVariant(platform);
  const version = /^v([5-9])$/.exec(variant)?.[1];
  if (platform.architecture !== "arm" || version === undefined) return [variant];
  return Array.from({ length: Number(version) - 4 }, (_, i) => `v${Number(version) - i}`);
}

/** What an absent variant means: https://github.com/opencontainers/image-spec/blob/main/image-index.md#platform-variants */
function defaultVariant({ architecture }: Platform): string {
  if (architecture === "arm") return "v7";
  return normalArchitecture(architecture) === "arm64" ? "v8" : "";
}

function normalArchitecture(name: string): string {
  return { x86_64: "amd64", aarch64: "arm64" }[name] ?? name;
}

function platformDescriptor(value: unknown, i: number): PlatformDescriptor {
  const found = { ...descriptor(value, `manifests[${i}]`), ...annotationsOf(value) };
  const platform = isObject(value) ? value["platform"] : undefined;
  if (!isObject(platform)) return found;
  const { os, architecture, variant } = platform;
  if (typeof os !== "string" || typeof architecture !== "string") return found;
  const exact = typeof variant === "string" && variant !== "" ? { variant } : {};
  return { ...found, platform: { os, architecture, ...exact } };
}

function annotationsOf(value: unknown): { annotations?: Record<string, string> } {
  const annotations = isObject(value) ? value["annotations"] : undefined;
  if (!isObject(annotations)) return {};
  const texts = Object.entries(annotations).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return { annotations: Object.fromEntries(texts) };
}

function descriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw new ManifestError(`${where} of the manifest is missing`);
  const { mediaType, digest, size } = value;
  if (typeof digest !== "string" || !isDigest(digest))
    throw new ManifestError(`${where}.digest of the manifest is none`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new ManifestError(`${where}.size of the manifest is no size`);
  }
  return { mediaType: typeof mediaType === "string" ? mediaType : "application/octet-stream", digest, size };
}

/** Go writes an empty list as null. */
function list(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null) return [];
  throw new ManifestError(`${where} of the manifest is no list`);
}
