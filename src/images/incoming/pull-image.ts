import type { RegistryClient } from "../registry/registry-client.ts";
import type { Platform } from "../registry/manifest.ts";
import type { ImageReference } from "../registry/reference.ts";
import { nonsense } from "../registry/registry-errors.ts";
import { formatReference } from "../registry/reference.ts";
import type { IncomingImage } from "../types.ts";
import { MOST_CONFIG_BYTES } from "./read-oci-layout.ts";

export interface PullOptions {
  /** Default: this machine's. */
  platform?: Platform;
  signal?: AbortSignal;
}

/**
 * Begins to pull an image: its manifest and config are read, its layers when they are asked for.
 * Throws what requests throw: IMAGE_NOT_FOUND, also if there is none for the platform; REGISTRY_ANSWER_INVALID, ….
 */
export async function pullImage(
  client: RegistryClient,
  reference: ImageReference,
  { platform, signal }: PullOptions = {},
): Promise<IncomingImage> {
  const image = await client.image(reference, { ...(platform === undefined ? {} : { platform }), signal });
  const { config, layers, mediaType } = image.parsed;
  if (config.size > MOST_CONFIG_BYTES) {
    const purpose = { operation: "pull", subject: formatReference(reference) };
    throw nonsense(purpose, reference.registry, `its config has ${config.size} bytes, more than ${MOST_CONFIG_BYTES}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of client.blob(reference, config, { signal })) chunks.push(chunk);
  return {
    manifest: image.content,
    mediaType,
    config: Buffer.concat(chunks),
    layers: layers.map((descriptor) => ({ descriptor, content: () => client.blob(reference, descriptor, { signal }) })),
  };
}
