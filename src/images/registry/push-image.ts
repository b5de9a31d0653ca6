import { Semaphore } from "../../shared/semaphore.ts";
import type { OciImage } from "../types.ts";
import { putManifest } from "./manifests.ts";
import { type BlobSource, pushBlob, type PushBlobOptions, type PushOutcome } from "./push-blob.ts";
import type { ImageReference } from "./reference.ts";
import type { RegistrySession } from "./registry-session.ts";

export interface PushImageOptions extends PushBlobOptions {
  /** How many blobs are on their way at once. */
  parallel: number;
  /** Told of each blob when it is in the repository. */
  onBlob?: ((digest: string, size: number, outcome: PushOutcome) => void) | undefined;
}

/** What a push had to do. */
export interface Pushed {
  /** Of the manifest, by which the image is there now. */
  digest: string;
  /** Blobs by how they came to be there: layers and config. */
  blobs: Record<PushOutcome, number>;
  /** Bytes that were sent. */
  bytes: number;
}

/**
 * Puts an image into a repository: its blobs, of which only those are sent that are missing, and then its manifest. The first blob
 * that fails ends the others. Throws what requests throw; CONTENT_CORRUPT.
 */
export async function pushImage(
  session: RegistrySession,
  reference: ImageReference,
  image: OciImage,
  { parallel, onBlob, ...options }: PushImageOptions,
): Promise<Pushed> {
  const { registry, repository } = reference;
  const pushed: Pushed = { digest: image.digest, blobs: { there: 0, mounted: 0, uploaded: 0 }, bytes: 0 };
  const places = new Semaphore(parallel);
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const pushOne = async (blob: BlobSource): Promise<void> => {
    using _ = await places.acquire(signal);
    try {
      const outcome = await pushBlob({ session, registry, repository }, blob, { ...options, signal });
      pushed.blobs[outcome]++;
      if (outcome === "uploaded") pushed.bytes += blob.size;
      onBlob?.(blob.digest, blob.size, outcome);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(blobsOf(image).map(pushOne));
  // Those that were ended reject with the reason of the one that failed.
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  const manifest = { content: image.manifest, mediaType: image.mediaType };
  await putManifest(session, reference, manifest, { signal: options.signal });
  return pushed;
}

/** Each blob once: two layers may be the same. */
function blobsOf(image: OciImage): BlobSource[] {
  const { config } = image;
  const configBlob: BlobSource = {
    digest: image.configDigest,
    size: config.length,
    async *content() {
      yield config;
    },
  };
  return [...new Map([...image.layers, configBlob].map((blob) => [blob.digest, blob])).values()];
}
