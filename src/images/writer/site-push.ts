import { SteppeError } from "../../shared/errors.ts";
import type { ImagePush, ImagePushOptions, Pushed } from "../registry/image-push.ts";
import { configBlob } from "../registry/push-image.ts";
import type { ImageReference } from "../registry/reference.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { Base } from "./base-image.ts";
import type { BuiltImage } from "./image-documents.ts";
import type { SiteLayer } from "./site-layers.ts";

export interface SitePushOptions extends Pick<ImagePushOptions, "onBlob"> {
  reference: ImageReference;
  base: Base;
  layers: readonly SiteLayer[];
  /** What comes of the base and the layers. */
  built: Promise<BuiltImage>;
  /** Blobs that the repository most likely has: they are not asked for. */
  there: ReadonlySet<string>;
  signal: AbortSignal;
}

/** So many blobs are on their way at once: a site has many small layers, and each waits for three answers. */
const PARALLEL = 8;

/** The push of an image that is still being made: each blob goes out when it is ready, and the manifests come last. */
export class SitePush {
  readonly #client: RegistryClient;
  readonly #options: SitePushOptions;
  readonly #pushes: ImagePush[] = [];

  constructor(client: RegistryClient, options: SitePushOptions) {
    this.#client = client;
    this.#options = options;
    this.#begin(options.there);
  }

  /**
   * Resolves when all is there. A registry that refuses the manifest may have lost blobs that were taken to be there: then each is asked for,
   * and what is missing is sent.
   */
  async finished(): Promise<Pushed> {
    const built = await this.#options.built;
    const [first] = this.#pushes;
    if (first === undefined) throw new Error("the push was not begun");
    await first.settled();
    try {
      await putManifests(first, built);
      return { digest: built.digest, blobs: first.blobs, bytes: first.bytes };
    } catch (error) {
      if (this.#options.there.size === 0 || !isRefusal(error)) throw error;
    }
    const second = this.#begin(new Set());
    await second.settled();
    await putManifests(second, built);
    return { digest: built.digest, blobs: sumOf(first, second), bytes: first.bytes + second.bytes };
  }

  /** Resolves when no blob is on its way any more, whatever came of them. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#pushes.map((push) => push.settled()));
  }

  #begin(there: ReadonlySet<string>): ImagePush {
    const { reference, base, layers, built, signal, onBlob } = this.#options;
    const push = this.#client.beginPush(reference, { signal, parallel: PARALLEL, onBlob, there });
    this.#pushes.push(push);
    for (const layer of layers) {
      const blob = layer.blob();
      push.add(blob, { isBeingMade: layer.isMade });
    }
    const from = base.reference?.registry === reference.registry ? base.reference.repository : undefined;
    const mountFrom = from === undefined || from === reference.repository ? [] : [from];
    for (const image of base.images) for (const layer of image.layers) push.add(layer, { mountFrom });
    // With a new layer the configs are new, too.
    const isBeingMade = layers.some((layer) => layer.isMade);
    const configs = built.then(({ images }) => images.map(configBlob));
    for (const index of base.images.keys()) push.add(configAt(configs, index), { isBeingMade });
    return push;
  }
}

async function configAt<Blob>(configs: Promise<Blob[]>, index: number): Promise<Blob | null> {
  return (await configs)[index] ?? null;
}

/** All that a manifest names is there before it, and all manifests before their index. */
async function putManifests(push: ImagePush, { index, images }: BuiltImage): Promise<void> {
  await Promise.all(
    images.map(({ manifest, mediaType }) => push.manifest({ content: manifest, mediaType }, { isTop: index === null })),
  );
  if (index !== null) await push.manifest(index, { isTop: true });
}

/** Registries say it as 400 or 404, and with several codes. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
function isRefusal(error: unknown): boolean {
  return error instanceof SteppeError && ["REGISTRY_REFUSED", "IMAGE_NOT_FOUND"].includes(error.code);
}

/** What the first sent is there for the second. */
function sumOf({ blobs: first }: ImagePush, { blobs: second }: ImagePush): Pushed["blobs"] {
  return {
    there: second.there - first.uploaded - first.mounted,
    mounted: first.mounted + second.mounted,
    uploaded: first.uploaded + second.uploaded,
  };
}
