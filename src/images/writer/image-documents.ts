import { SteppeError } from "../../shared/errors.ts";
import { type Descriptor, json, MEDIA_TYPES, sha256Digest } from "../oci-manifest.ts";
import { isObject } from "../registry/json-document.ts";
import type { Platform } from "../registry/manifest.ts";
import { formatReference } from "../registry/reference.ts";
import type { OciImage, OciLayer } from "../types.ts";
import type { Base, BaseImage } from "./base-image.ts";

/** What is said of an image besides what is in it. */
export interface ImageFacts {
  /** Labels of the config; those of OCI's own are annotations of the manifest, too. */
  labels: Readonly<Record<string, string>>;
  /** When it counts as made, milliseconds since 1970; null: it says nothing, so that the same files make the same image. */
  createdAt: number | null;
  /** Arguments for the base's program, in place of its own; none are the base's. */
  args?: readonly string[];
}

/** A layer that was added to a base. */
export interface AddedLayer {
  layer: OciLayer;
  diffId: string;
}

/** An image for one platform. */
export interface PlatformImage extends OciImage {
  platform: Platform;
}

/** What was built: an image, or an index of images for several platforms. */
export interface BuiltImage {
  /** Of the index if there is one, else of the image. */
  digest: string;
  index: { mediaType: string; content: Buffer } | null;
  images: PlatformImage[];
}

/** https://github.com/opencontainers/image-spec/blob/main/annotations.md */
const OCI_KEYS = "org.opencontainers.image.";
/** Docker's graph drivers take no more. */
const MOST_LAYERS = 127;
/** What Docker's old builder wrote into configs of the machine and container that the base was made by and in. */
const OF_THE_BASE = ["created", "author", "container", "container_config", "docker_version", "id", "parent"];

/** Where the site lies in images on this base: its working directory, `www` for `/www`. Throws IMAGE_INVALID if it has none, or they differ. */
export function siteRoot({ images }: Base): string {
  const roots = new Set(images.map(({ config }) => innerConfig(config)["WorkingDir"]));
  const [root] = roots;
  const names = typeof root === "string" && root.startsWith("/") ? root.split("/").filter((name) => name !== "") : [];
  if (roots.size === 1 && names.length > 0 && !names.some((name) => name === "." || name === "..")) {
    return names.join("/");
  }
  const cause = roots.size > 1 ? "its platforms have different working directories" : "it names no working directory";
  const hint = "The site goes where `WORKDIR` of the base says; take a base that has one, such as `steppe/static`.";
  throw new SteppeError("IMAGE_INVALID", { operation: "build on", subject: "the base", cause, hint });
}

/** The images that are these layers on a base: the same bytes for the same base, layers and facts. */
export function makeImages(base: Base, added: readonly AddedLayer[], facts: ImageFacts): BuiltImage {
  const images = base.images.map((image) => makeImage(base, image, added, facts));
  const [only] = images;
  if (!base.isIndex && only !== undefined) return { digest: only.digest, index: null, images };
  const content = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ mediaType, digest, manifest, platform }) => ({
      mediaType,
      digest,
      size: manifest.length,
      platform,
    })),
    ...annotated(annotationsOf(facts)),
  });
  return { digest: sha256Digest(content), index: { mediaType: MEDIA_TYPES.index, content }, images };
}

function makeImage(base: Base, image: BaseImage, added: readonly AddedLayer[], facts: ImageFacts): PlatformImage {
  const layers = [...image.layers, ...added.map(({ layer }) => layer)].map(withOciType);
  if (layers.length > MOST_LAYERS) {
    const cause = `it would have ${layers.length} layers; more than ${MOST_LAYERS} run nowhere`;
    throw new SteppeError("IMAGE_INVALID", { operation: "build on", subject: "the base", cause });
  }
  const config = json(makeConfig(image, added, facts));
  const descriptor: Descriptor = { mediaType: MEDIA_TYPES.config, digest: sha256Digest(config), size: config.length };
  const from = base.reference === null ? {} : { [`${OCI_KEYS}base.name`]: formatReference(base.reference) };
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: descriptor,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    ...annotated({ ...from, [`${OCI_KEYS}base.digest`]: image.digest, ...annotationsOf(facts) }),
  });
  return {
    digest: sha256Digest(manifest),
    mediaType: MEDIA_TYPES.manifest,
    manifest,
    config,
    configDigest: descriptor.digest,
    layers,
    platform: image.platform,
  };
}

/**
 * The base's config, with the layers and labels of the site. Of the base's labels those are left away that OCI has for what an image is, its title,
 * version or licence: they would be false of the site.
 */
function makeConfig(
  { config }: BaseImage,
  added: readonly AddedLayer[],
  { labels, createdAt, args = [] }: ImageFacts,
): object {
  const { Labels: said, ...inner } = innerConfig(config);
  const inherited = isObject(said) ? Object.entries(said) : [];
  const kept = inherited.filter(([name]) => !name.startsWith(OCI_KEYS));
  const all = { ...Object.fromEntries(kept), ...labels };
  const rest = Object.fromEntries(Object.entries(config).filter(([name]) => !OF_THE_BASE.includes(name)));
  const created = createdAt === null ? {} : { created: new Date(createdAt).toISOString() };
  const { rootfs, history } = config;
  const diffIds = isObject(rootfs) && Array.isArray(rootfs["diff_ids"]) ? (rootfs["diff_ids"] as unknown[]) : [];
  const before = Array.isArray(history) ? (history as unknown[]) : undefined;
  return {
    ...created,
    ...rest,
    config: {
      ...inner,
      ...(args.length === 0 ? {} : { Cmd: args }),
      ...(Object.keys(all).length === 0 ? {} : { Labels: all }),
    },
    rootfs: { type: "layers", diff_ids: [...diffIds, ...added.map(({ diffId }) => diffId)] },
    // A history that does not tell of every layer is none: a base without one gets none.
    ...(before && { history: [...before, ...added.map(() => ({ ...created, created_by: "steppe build" }))] }),
  };
}

function annotationsOf({ labels, createdAt }: ImageFacts): Record<string, string> {
  const own = Object.entries(labels).filter(([name]) => name.startsWith(OCI_KEYS));
  const created = createdAt === null ? {} : { [`${OCI_KEYS}created`]: new Date(createdAt).toISOString() };
  return { ...created, ...Object.fromEntries(own) };
}

function annotated(annotations: Record<string, string>): { annotations?: Record<string, string> } {
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

/** Docker's own names for types of layers, as OCI's: a manifest of OCI names OCI's only. */
function withOciType(layer: OciLayer): OciLayer {
  const docker = "application/vnd.docker.image.rootfs.diff.tar";
  if (!layer.mediaType.startsWith(docker)) return layer;
  return { ...layer, mediaType: MEDIA_TYPES.layer + layer.mediaType.slice(docker.length).replace(/^\./, "+") };
}

function innerConfig(config: Record<string, unknown>): Record<string, unknown> {
  return isObject(config["config"]) ? config["config"] : {};
}
