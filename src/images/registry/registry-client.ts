import { isLoopback } from "../../shared/loopback.ts";
import type { Clock } from "../../shared/clock.ts";
import type { RetryPolicy } from "../../shared/http/retry-policy.ts";
import type { TimeLimits } from "../../shared/http/transport.ts";
import type { OciImage } from "../types.ts";
import type { Descriptor } from "../oci-manifest.ts";
import type { CredentialSource } from "./credentials.ts";
import { listTags } from "./list-tags.ts";
import { ownPlatform, type Platform } from "./manifest.ts";
import {
  getImage,
  getManifest,
  putManifest,
  type RemoteImage,
  type RemoteManifest,
  type Resolved,
  resolveTag,
} from "./manifests.ts";
import { pullBlob } from "./pull-blob.ts";
import { ImagePush, type ImagePushOptions, type Pushed } from "./image-push.ts";
import { pushImage, type PushImageOptions } from "./push-image.ts";
import { type ImageReference, parseRegistry } from "./reference.ts";
import { nonsense } from "./registry-errors.ts";
import { RegistrySession } from "./registry-session.ts";

/** What is particular about one registry. */
export interface RegistrySettings {
  /** The certificate of a certificate authority of one's own, PEM; besides those that are trusted anyway. */
  ca?: string;
  /** Plain HTTP in place of TLS. Default: true on this machine's loopback if no `ca` is given, else false. */
  insecure?: boolean;
}

export interface RegistryClientOptions {
  clock: Clock;
  /** 0 to 1, for jitter. Default Math.random. */
  random?: () => number;
  /** Default: none. */
  credentials?: CredentialSource;
  /** What is particular about a registry, `localhost:5000`; asked before the first request to it. Default: nothing. */
  settings?: (registry: string) => RegistrySettings;
  times?: Partial<TimeLimits>;
  retry?: Partial<RetryPolicy>;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export const REGISTRY_DEFAULTS = {
  times: { connect: 10_000, head: 120_000, idle: 60_000 },
  retry: { attempts: 5, backoff: { first: 500, most: 15_000 }, mostWait: 120_000 },
  chunkBytes: 32 * 1024 * 1024,
  parallel: 3,
} as const satisfies { times: TimeLimits; retry: RetryPolicy; chunkBytes: number; parallel: number };

/**
 * A client of OCI registries: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (v1.1). Keeps, for each registry, its
 * connections and tokens until it is disposed of.
 *
 * All of it throws IMAGE_NOT_FOUND, REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_LIMITED, REGISTRY_REFUSED and REGISTRY_ANSWER_INVALID,
 * which name the registry, the repository and what the registry said; and the reason of the signal.
 */
export class RegistryClient implements Disposable {
  readonly #options: RegistryClientOptions;
  readonly #sessions = new Map<string, RegistrySession>();

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  /** The digest that a tag stands for. */
  resolve(reference: ImageReference, options: CallOptions = {}): Promise<Resolved> {
    return resolveTag(this.#session(reference), reference, options);
  }

  /** The manifest or index of a tag or digest. */
  manifest(reference: ImageReference, options: CallOptions = {}): Promise<RemoteManifest> {
    return getManifest(this.#session(reference), reference, options);
  }

  /** The manifest of the image for a platform; default this machine's. */
  image(
    reference: ImageReference,
    { platform = ownPlatform(), ...options }: CallOptions & { platform?: Platform } = {},
  ): Promise<RemoteImage> {
    return getImage(this.#session(reference), reference, platform, options);
  }

  /** The bytes of a layer or config, checked; whole and sound once the stream has ended without an error. */
  blob(
    reference: ImageReference,
    descriptor: Pick<Descriptor, "digest" | "size">,
    options: CallOptions = {},
  ): AsyncGenerator<Buffer, void, void> {
    return pullBlob(this.#session(reference), reference, descriptor, options);
  }

  /** Sends what is missing of an image, and gives it the reference's tag. */
  push(reference: ImageReference, image: OciImage, options: Partial<PushImageOptions> = {}): Promise<Pushed> {
    const { chunkBytes, parallel } = REGISTRY_DEFAULTS;
    return pushImage(this.#session(reference), reference, image, { chunkBytes, parallel, ...options });
  }

  /** Gives what is in the repository by this digest the reference's tag. Throws IMAGE_NOT_FOUND if it is not there. */
  async tag(reference: ImageReference, digest: string, options: CallOptions = {}): Promise<void> {
    const { registry, repository } = reference;
    const { content, parsed } = await this.manifest({ registry, repository, digest }, options);
    await putManifest(this.#session(reference), reference, { content, mediaType: parsed.mediaType }, options);
  }

  /** Begins a push of which not all is known yet. */
  beginPush(reference: ImageReference, options: Partial<ImagePushOptions> = {}): ImagePush {
    const { chunkBytes, parallel } = REGISTRY_DEFAULTS;
    return new ImagePush(this.#session(reference), reference, { chunkBytes, parallel, ...options });
  }

  /** All tags of a repository. */
  tags(reference: ImageReference, options: CallOptions = {}): AsyncGenerator<string, void, void> {
    return listTags(this.#session(reference), reference, options);
  }

  /** Asks a registry whether it is there, speaks the protocol and takes the credentials. */
  async ping(registry: string, { signal }: CallOptions = {}): Promise<void> {
    const purpose = { operation: "reach", subject: registry };
    const request = { method: "GET" as const, target: "/v2/", scopes: [], purpose, repeatable: true, signal };
    using answer = await this.#session({ registry }).send({ ...request, expect: [200, 404] });
    if (answer.status === 404) throw nonsense(purpose, answer.url.host, "this is no registry: it has no /v2/");
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions.values()) session[Symbol.dispose]();
    this.#sessions.clear();
  }

  #session({ registry: name }: { registry: string }): RegistrySession {
    const registry = parseRegistry(name);
    const known = this.#sessions.get(registry);
    if (known !== undefined) return known;
    const { clock, random = Math.random, credentials = noCredentials, settings, times, retry } = this.#options;
    const { ca, insecure = ca === undefined && isLoopback(`http://${registry}/`) } = settings?.(registry) ?? {};
    const session = new RegistrySession({
      registry,
      insecure,
      ca,
      clock,
      random,
      credentials,
      times: { ...REGISTRY_DEFAULTS.times, ...times },
      retry: { ...REGISTRY_DEFAULTS.retry, ...retry },
    });
    this.#sessions.set(registry, session);
    return session;
  }
}

async function noCredentials(): Promise<undefined> {
  return undefined;
}
