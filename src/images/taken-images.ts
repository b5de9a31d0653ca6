import { versions } from "node:process";
import { Semaphore } from "../shared/semaphore.ts";
import { SteppeError } from "../shared/errors.ts";
import { type BlobRow, ImageBlobTable, type Store } from "../store/index.ts";
import { type BlobName, BlobStore } from "./blob-store.ts";
import type { CompressedLayers } from "./incoming/read-docker-archive.ts";
import { MOST_CONFIG_BYTES } from "./incoming/read-oci-layout.ts";
import { MEDIA_TYPES, sha256Digest } from "./oci-manifest.ts";
import { MOST_MANIFEST_BYTES, ManifestError, parseRemoteManifest } from "./registry/manifest.ts";
import { digestLike } from "./registry/digest.ts";
import type { IncomingImage, IncomingLayer, OciImage } from "./types.ts";

/** Bounds of what is taken in. Docker itself makes no more than 127 layers. */
const MOST_LAYERS = 1000;
/** Bytes of the layers of an image: more than any image has that is meant for a server. */
export const MOST_IMAGE_BYTES = 32 * 1024 ** 3;
/** Part of the key of a compressed layer: what is known is void when what compresses changes. */
const ENCODER = `gzip@1 zlib@${versions.zlib}`;
/** So many layers are on their way at once. */
const PARALLEL = 3;

export interface ReceiveOptions {
  signal: AbortSignal;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
}

/** The blobs of images that were made elsewhere. */
export class TakenImages implements CompressedLayers {
  readonly blobs: BlobStore;
  readonly #table: ImageBlobTable;

  /** @param folder of the layout; it exists */
  constructor(folder: string, store: Store) {
    this.#table = new ImageBlobTable(store);
    this.blobs = new BlobStore(folder);
    this.publish();
  }

  /**
   * Brings the blobs of an image here, those that are not here yet; nothing names them so far.
   * Throws IMAGE_INVALID, DISK_FULL, and what the layers' contents throw.
   */
  async receive(incoming: IncomingImage, { signal, progress }: ReceiveOptions): Promise<void> {
    checkIncoming(incoming);
    const missing = new Map<string, IncomingLayer>();
    for (const layer of incoming.layers) {
      if (!this.blobs.has(layer.descriptor)) missing.set(layer.descriptor.digest, layer);
    }
    if (missing.size > 0) progress(describeMissing([...missing.values()], incoming.layers.length));
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const places = new Semaphore(PARALLEL);
    const addOne = async ({ descriptor, content }: IncomingLayer): Promise<void> => {
      using _ = await places.acquire(either);
      try {
        await this.blobs.add(descriptor, content(), either);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    };
    const outcomes = await Promise.allSettled([...missing.values()].map(addOne));
    // Those that were ended reject with the reason of the one that failed.
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    const { config, manifest } = incoming;
    await this.blobs.add(parseImage(incoming).config, once(config), signal);
    await this.blobs.add({ digest: sha256Digest(manifest), size: manifest.length }, once(manifest), signal);
  }

  /** Names the blobs of an image, in the caller's transaction; `publish` afterwards. */
  name(image: string, incoming: IncomingImage): void {
    const { config, layers } = parseImage(incoming);
    const manifest = { mediaType: incoming.mediaType, digest: image, size: incoming.manifest.length };
    this.#table.add(image, [manifest, config, ...layers]);
  }

  /** Brings the layout's index into agreement with the tables. */
  publish(): void {
    this.blobs.writeIndex(this.#table.manifests());
  }

  /** The image as a registry is to be given it. Throws CONTENT_CORRUPT if one of its blobs is lost. */
  open(digest: string, { manifest, config }: { manifest: Buffer; config: Buffer }): OciImage {
    const [lost] = this.lost(digest);
    if (lost !== undefined) {
      const cause = `its blob ${lost.digest} is lost, so it cannot be given away; what it serves is not touched by that`;
      throw new SteppeError("CONTENT_CORRUPT", { operation: "open", subject: digest, cause });
    }
    const { mediaType = MEDIA_TYPES.manifest } = this.#table.of(digest).find((blob) => blob.digest === digest) ?? {};
    const parsed = parseImage({ manifest, mediaType });
    return {
      digest,
      mediaType,
      manifest,
      config,
      configDigest: parsed.config.digest,
      layers: parsed.layers.map((layer) => ({ ...layer, content: () => this.blobs.content(layer) })),
    };
  }

  /** The blobs of an image that are not there. */
  lost(digest: string): BlobRow[] {
    return this.#table.of(digest).filter((blob) => !this.blobs.has(blob));
  }

  /** The images that lost a blob. */
  incomplete(): Set<string> {
    const lost = this.#table.named().filter((blob) => !this.blobs.has(blob));
    return new Set(lost.flatMap(({ digest }) => this.#table.imagesWith(digest)));
  }

  /** Removes what no image names; for a moment in which nobody brings any. Returns the bytes that were freed. */
  removeUnnamed(): number {
    const named = new Set(this.#table.named().map(({ digest }) => digest));
    const unnamed = this.blobs.list().filter(({ digest }) => !named.has(digest));
    this.publish();
    this.blobs.remove(unnamed.map(({ digest }) => digest));
    this.#table.forgetCompressed();
    return unnamed.reduce((sum, { size }) => sum + size, 0);
  }

  /** See CompressedLayers. */
  compressed(diffId: string): BlobName | undefined {
    const known = this.#table.compressed(diffId, ENCODER);
    return known !== undefined && this.blobs.has(known) ? known : undefined;
  }

  rememberCompressed(diffId: string, blob: BlobName): void {
    this.#table.addCompressed(diffId, ENCODER, blob);
  }
}

/** The manifest of an image, read. Throws IMAGE_INVALID. */
export function parseImage({ manifest, mediaType }: Pick<IncomingImage, "manifest" | "mediaType">) {
  try {
    const parsed = parseRemoteManifest(manifest, mediaType);
    if (parsed.kind === "image") return parsed;
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw invalid(manifest, error.message);
  }
  throw invalid(manifest, "it is an index of images, and no image");
}

function checkIncoming(incoming: IncomingImage): void {
  const { manifest, config, layers } = incoming;
  const refuse = (cause: string): never => {
    throw invalid(manifest, cause);
  };
  if (manifest.length > MOST_MANIFEST_BYTES) refuse(`its manifest has more than ${MOST_MANIFEST_BYTES} bytes`);
  if (config.length > MOST_CONFIG_BYTES) refuse(`its config has more than ${MOST_CONFIG_BYTES} bytes`);
  const parsed = parseImage(incoming);
  if (parsed.layers.length > MOST_LAYERS) refuse(`it has more than ${MOST_LAYERS} layers`);
  if (digestLike(parsed.config.digest, config) !== parsed.config.digest)
    refuse("its config is not what its manifest names");
  const bytes = parsed.layers.reduce((sum, { size }) => sum + size, 0);
  if (bytes > MOST_IMAGE_BYTES) refuse(`its layers have ${bytes} bytes; ${MOST_IMAGE_BYTES} are taken`);
  const agree =
    layers.length === parsed.layers.length &&
    parsed.layers.every(({ digest, size }, i) => {
      const descriptor = layers[i]?.descriptor;
      return descriptor?.digest === digest && descriptor.size === size;
    });
  if (!agree) refuse("its layers are not those that its manifest names");
}

/** Of all blobs of an image, its manifest among them. */
export function blobBytes(incoming: IncomingImage): number {
  const { config, layers } = parseImage(incoming);
  return layers.reduce((sum, { size }) => sum + size, config.size + incoming.manifest.length);
}

function describeMissing(missing: readonly IncomingLayer[], all: number): string {
  const bytes = missing.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return `taking ${missing.length} of ${all} layers, ${(bytes / 1e6).toFixed(1)} MB`;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  yield bytes;
}

function invalid(manifest: Buffer, cause: string): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "take", subject: `image ${sha256Digest(manifest)}`, cause });
}
