import type { OciImage } from "../types.ts";
import { ImagePush, type ImagePushOptions, type Pushed } from "./image-push.ts";
import type { BlobSource, PushBlobOptions } from "./push-blob.ts";
import type { ImageReference } from "./reference.ts";
import type { RegistrySession } from "./registry-session.ts";

export interface PushImageOptions extends ImagePushOptions, Pick<PushBlobOptions, "mountFrom"> {}

/**
 * Puts an image into a repository: its blobs, of which only those are sent that are missing, and then its manifest. The first blob
 * that fails ends the others. Throws what requests throw; CONTENT_CORRUPT.
 */
export async function pushImage(
  session: RegistrySession,
  reference: ImageReference,
  image: OciImage,
  { mountFrom, ...options }: PushImageOptions,
): Promise<Pushed> {
  const push = new ImagePush(session, reference, options);
  for (const blob of [...image.layers, configBlob(image)]) push.add(blob, { mountFrom });
  await push.settled();
  await push.manifest({ content: image.manifest, mediaType: image.mediaType }, { isTop: true });
  return { digest: image.digest, blobs: push.blobs, bytes: push.bytes };
}

/** The config of an image as a blob to push. */
export function configBlob({ config, configDigest }: Pick<OciImage, "config" | "configDigest">): BlobSource {
  return {
    digest: configDigest,
    size: config.length,
    async *content() {
      yield config;
    },
  };
}
