import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { errno, SteppeError } from "../../shared/errors.ts";
import type { Descriptor } from "../oci-manifest.ts";
import { verified } from "../layer-content.ts";
import { isObject, parseObject } from "../registry/json-document.ts";
import {
  chooseManifest,
  formatPlatform,
  type ImageIndex,
  type ImageManifest,
  ManifestError,
  MOST_MANIFEST_BYTES,
  parseRemoteManifest,
  type Platform,
} from "../registry/manifest.ts";
import { formatReference, type ImageReference } from "../registry/reference.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { OciLayer } from "../types.ts";

/** What an image is built on: the images of a base that were chosen, and where they are from. */
export interface Base {
  /** How others find it, if it is in a registry. */
  reference: ImageReference | null;
  /** Whether it is an index: then what is built on it is one, too. */
  isIndex: boolean;
  images: BaseImage[];
}

/** The base for one platform. */
export interface BaseImage {
  /** Of its manifest. */
  digest: string;
  platform: Platform;
  /** Its config, as it is. */
  config: Record<string, unknown>;
  layers: OciLayer[];
}

/** Where the parts of a base are. */
interface BaseSource {
  /** What to call it in errors. */
  name: string;
  reference: ImageReference | null;
  /** The manifest or index that the base is. */
  top(): Promise<Document>;
  /** A manifest by its descriptor. */
  manifest(descriptor: Descriptor): Promise<Document>;
  /** A blob as a stream, checked. */
  blob(descriptor: Descriptor): AsyncGenerator<Buffer, void, void>;
}

interface Document {
  digest: string;
  parsed: ImageManifest | ImageIndex;
}

const MOST_CONFIG_BYTES = 4 * 1024 ** 2;
/** Image indexes hold signatures and the like beside images, for this "platform". */
const UNKNOWN = "unknown";

/** A base in a registry. Throws what the client throws; IMAGE_INVALID. */
export function registryBase(client: RegistryClient, reference: ImageReference, signal: AbortSignal): BaseSource {
  return {
    name: formatReference(reference),
    reference,
    top: () => client.manifest(reference, { signal }),
    manifest: ({ digest }) => client.manifest({ ...reference, digest }, { signal }),
    blob: (descriptor) => client.blob(reference, descriptor, { signal }),
  };
}

/** A base in an OCI layout on disk: its only image, or the first. https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
export function layoutBase(folder: string, reference: ImageReference | null = null): BaseSource {
  const name = `oci:${folder}`;
  const pathOf = (digest: string): string => join(folder, "blobs", digest.replace(":", "/"));
  const read = (path: string): Buffer => {
    try {
      if (statSync(path).size <= MOST_MANIFEST_BYTES) return readFileSync(path);
    } catch (error) {
      throw unusable(name, `\`${path}\` cannot be read (${errno(error) ?? String(error)})`, error);
    }
    throw unusable(name, `\`${path}\` is larger than manifests are`);
  };
  const manifest = async ({ digest, mediaType }: Descriptor): Promise<Document> => {
    const content = read(pathOf(digest));
    const found = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    if (found !== digest) throw unusable(name, `${digest} has become ${found}`);
    return { digest, parsed: parse(name, content, mediaType) };
  };
  return {
    name,
    reference,
    async top() {
      const index = parse(name, read(join(folder, "index.json")), undefined);
      const [first] = index.kind === "index" ? index.manifests : [];
      if (first === undefined) throw unusable(name, "its index.json names no image");
      return await manifest(first);
    },
    manifest,
    blob: (descriptor) => verified(createReadStream(pathOf(descriptor.digest)) as AsyncIterable<Buffer>, descriptor),
  };
}

/**
 * Reads what is needed of a base to build on it. Its layers stay where they are.
 *
 * @param platforms those that are wanted; null: all that it has
 * Throws IMAGE_INVALID, IMAGE_NOT_FOUND if it is not there or not for a platform, and what its source throws.
 */
export async function openBase(source: BaseSource, platforms: readonly Platform[] | null): Promise<Base> {
  const top = await source.top();
  const { parsed } = top;
  if (parsed.kind === "image") {
    const image = await openImage(source, { digest: top.digest, parsed });
    const refused = platforms?.find((wanted) => !isSame(wanted, image.platform));
    if (refused !== undefined) throw noPlatform(source, refused, [image.platform]);
    return { reference: source.reference, isIndex: false, images: [image] };
  }
  const there = parsed.manifests.filter(({ platform }) => platform !== undefined && platform.os !== UNKNOWN);
  const chosen = platforms === null ? there : platforms.map((wanted) => choose(source, parsed, wanted));
  if (chosen.length === 0) throw unusable(source.name, "its index names no platform");
  const images = await Promise.all(
    chosen.map(async (descriptor) => {
      const { digest, parsed: manifest } = await source.manifest(descriptor);
      if (manifest.kind === "index") throw unusable(source.name, "its index names another index");
      const image = await openImage(source, { digest, parsed: manifest });
      return { ...image, platform: descriptor.platform ?? image.platform };
    }),
  );
  return { reference: source.reference, isIndex: platforms === null || platforms.length > 1, images };
}

async function openImage(
  source: BaseSource,
  { digest, parsed }: { digest: string; parsed: ImageManifest },
): Promise<BaseImage> {
  if (parsed.config.size > MOST_CONFIG_BYTES) throw unusable(source.name, "its config is larger than configs are");
  const chunks: Buffer[] = [];
  for await (const chunk of source.blob(parsed.config)) chunks.push(chunk);
  const config = parseObject(Buffer.concat(chunks));
  const rootfs = config?.["rootfs"];
  const diffIds = isObject(rootfs) ? rootfs["diff_ids"] : undefined;
  if (config === undefined || !Array.isArray(diffIds)) throw unusable(source.name, "its config is none of an image");
  if (diffIds.length !== parsed.layers.length) {
    throw unusable(source.name, `its config knows ${diffIds.length} layers, its manifest ${parsed.layers.length}`);
  }
  const { os, architecture, variant } = config;
  if (typeof os !== "string" || typeof architecture !== "string") {
    throw unusable(source.name, "its config does not say for which platform it is");
  }
  return {
    digest,
    platform: { os, architecture, ...(typeof variant === "string" ? { variant } : {}) },
    config,
    layers: parsed.layers.map((layer) => ({ ...layer, content: () => source.blob(layer) })),
  };
}

function choose(source: BaseSource, index: ImageIndex, wanted: Platform): ImageIndex["manifests"][number] {
  const found = chooseManifest(index, wanted);
  if (found !== undefined) return found;
  throw noPlatform(
    source,
    wanted,
    index.manifests.flatMap(({ platform }) => platform ?? []),
  );
}

function isSame(a: Platform, b: Platform): boolean {
  const index: ImageIndex = {
    kind: "index",
    mediaType: "",
    manifests: [{ mediaType: "", digest: "", size: 0, platform: b }],
  };
  return chooseManifest(index, a) !== undefined;
}

function parse(name: string, content: Buffer, mediaType: string | undefined): ImageManifest | ImageIndex {
  try {
    return parseRemoteManifest(content, mediaType);
  } catch (error) {
    if (error instanceof ManifestError) throw unusable(name, error.message, error);
    throw error;
  }
}

function noPlatform(source: BaseSource, wanted: Platform, there: readonly Platform[]): SteppeError {
  const list = there.filter(({ os }) => os !== UNKNOWN).map(formatPlatform);
  const cause = `it has no image for ${formatPlatform(wanted)}, only for ${list.join(", ")}`;
  return new SteppeError("IMAGE_NOT_FOUND", {
    operation: "build on",
    subject: source.name,
    cause,
    hint: "Give another `--platform`, or leave it away for all of them.",
  });
}

function unusable(subject: string, cause: string, thrown?: unknown): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "build on", subject, cause }, { cause: thrown });
}
