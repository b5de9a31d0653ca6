import { Semaphore } from "../../shared/semaphore.ts";
import { putManifest } from "./manifests.ts";
import {
  beginAhead,
  type BlobSource,
  type BlobTarget,
  pushBlob,
  type PushBlobOptions,
  type PushOutcome,
} from "./push-blob.ts";
import type { ImageReference } from "./reference.ts";
import type { RegistrySession } from "./registry-session.ts";
import type { Upload } from "./upload-chunks.ts";

export interface ImagePushOptions extends Omit<PushBlobOptions, "mountFrom" | "isNew" | "begun"> {
  /** How many blobs are on their way at once. */
  parallel: number;
  /**
   * Blobs that are known to be in the repository: they are not asked for; and where some are known, others are taken to be new, and sent without
   * asking.
   */
  there?: ReadonlySet<string> | undefined;
  /** Told of each blob when it is in the repository. */
  onBlob?: ((digest: string, size: number, outcome: PushOutcome) => void) | undefined;
}

export interface AddOptions extends Pick<PushBlobOptions, "mountFrom"> {
  /** It is yet to be made, and nobody has it: if it is known what the repository has, its upload is begun meanwhile. Default false. */
  isBeingMade?: boolean;
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
 * A push under way: blobs in whatever order they are ready, several at once, and then manifests. The first blob that fails ends the others.
 */
export class ImagePush {
  readonly blobs: Record<PushOutcome, number> = { there: 0, mounted: 0, uploaded: 0 };
  /** Bytes of blobs that were sent. */
  bytes = 0;
  readonly #session: RegistrySession;
  readonly #reference: ImageReference;
  readonly #options: ImagePushOptions;
  readonly #places: Semaphore;
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  readonly #tasks: Array<Promise<void>> = [];
  /** Each blob once: two layers may be the same. */
  readonly #digests = new Set<string>();

  constructor(session: RegistrySession, reference: ImageReference, options: ImagePushOptions) {
    const { parallel, signal } = options;
    this.#session = session;
    this.#reference = reference;
    this.#options = options;
    this.#places = new Semaphore(parallel);
    this.#signal = signal === undefined ? this.#failed.signal : AbortSignal.any([signal, this.#failed.signal]);
  }

  /**
   * Begins to put a blob into the repository; `settled` tells what comes of it.
   *
   * @param blob what is waited for first, if it is yet to be made; null if there is none
   */
  add(blob: BlobSource | Promise<BlobSource | null>, options: AddOptions = {}): void {
    const task = this.#pushOne(blob, options);
    task.catch(() => {}); // `settled` tells
    this.#tasks.push(task);
  }

  /** Resolves when all blobs that were added are there; rejects, when none is on its way any more, with why the first failed. */
  async settled(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#tasks);
    if (this.#options.signal?.aborted === true) throw this.#options.signal.reason;
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Writes a manifest or an index, under its digest and, if it is the top one, under the reference's tag. */
  async manifest(manifest: { content: Buffer; mediaType: string }, { isTop }: { isTop: boolean }): Promise<void> {
    const { registry, repository } = this.#reference;
    const reference = isTop ? this.#reference : { registry, repository };
    await putManifest(this.#session, reference, manifest, { signal: this.#options.signal });
  }

  get #target(): BlobTarget {
    const { registry, repository } = this.#reference;
    return { session: this.#session, registry, repository };
  }

  /** Whether blobs that are not known to be there are sent without asking. */
  get #knows(): boolean {
    return (this.#options.there?.size ?? 0) > 0;
  }

  async #pushOne(
    waited: BlobSource | Promise<BlobSource | null>,
    { mountFrom, isBeingMade = false }: AddOptions,
  ): Promise<void> {
    try {
      const begun = isBeingMade && this.#knows ? this.#beginAhead() : undefined;
      begun?.catch(() => {}); // who needs it is told
      const blob = await waited;
      if (blob === null || this.#digests.has(blob.digest)) return;
      this.#digests.add(blob.digest);
      const outcome =
        this.#options.there?.has(blob.digest) === true ? "there" : await this.#send(blob, { mountFrom, begun });
      this.blobs[outcome]++;
      if (outcome === "uploaded") this.bytes += blob.size;
      this.#options.onBlob?.(blob.digest, blob.size, outcome);
    } catch (error) {
      this.#failed.abort(error);
      throw error;
    }
  }

  async #beginAhead(): Promise<Upload | undefined> {
    using _ = await this.#places.acquire(this.#signal);
    return await beginAhead(this.#target, this.#signal);
  }

  async #send(blob: BlobSource, how: Pick<PushBlobOptions, "mountFrom" | "begun">): Promise<PushOutcome> {
    // Its own beginning has no place any more when this one takes one.
    await how.begun;
    using _ = await this.#places.acquire(this.#signal);
    return await pushBlob(this.#target, blob, { ...this.#options, ...how, isNew: this.#knows, signal: this.#signal });
  }
}
