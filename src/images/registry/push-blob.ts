import { SteppeError } from "../../shared/errors.ts";
import { parseLength } from "../../shared/http/header-fields.ts";
import type { HttpAnswer } from "../../shared/http/transport.ts";
import { formatReference, isDigest } from "./reference.ts";
import { nonsense, type Purpose } from "./registry-errors.ts";
import type { RegistrySession } from "./registry-session.ts";
import { repositoryScope, type Scope } from "./scopes.ts";
import { type Upload, uploadChunks } from "./upload-chunks.ts";

/** Content that can be made as often as wanted. */
export interface BlobSource {
  digest: string;
  /** Bytes. */
  size: number;
  content(): AsyncIterable<Uint8Array>;
}

export interface PushBlobOptions {
  /** Repositories of the same registry that may have the blob; it is taken from there without sending it. */
  mountFrom?: readonly string[] | undefined;
  /** It is most likely not there: it is sent without asking first. Default false. */
  isNew?: boolean | undefined;
  /** An upload for it that was begun while it was being made, by `beginAhead`; it is used at the first try. */
  begun?: Promise<Upload | undefined> | undefined;
  /** Larger blobs are sent in pieces of so many bytes, or of what the registry wants at least. */
  chunkBytes: number;
  signal?: AbortSignal | undefined;
}

/** How a blob came to be in a repository. */
export type PushOutcome = "there" | "mounted" | "uploaded";

/** Where a blob is to go. */
export interface BlobTarget {
  session: RegistrySession;
  registry: string;
  repository: string;
}

/**
 * Puts a blob into a repository, if it is not there. An upload that failed for what may pass is begun anew, after a look whether it
 * was not taken after all.
 * Throws what requests throw, and what making the content throws.
 */
export async function pushBlob(target: BlobTarget, blob: BlobSource, options: PushBlobOptions): Promise<PushOutcome> {
  const { session, registry, repository } = target;
  const purpose = { operation: "push", subject: formatReference({ registry, repository, digest: blob.digest }) };
  const { retry, clock } = session.exchange.options;
  for (let tries = 1; ; tries++) {
    const asks = tries > 1 || options.isNew !== true;
    if (asks && (await hasBlob(target, blob.digest, purpose, options.signal)))
      return tries === 1 ? "there" : "uploaded";
    const ahead = tries === 1 ? await options.begun : undefined;
    const begun = ahead ?? (await mountOrBegin(target, blob, purpose, options));
    if (begun === undefined) return "mounted";
    try {
      await upload(target, begun, blob, purpose, options);
      return "uploaded";
    } catch (error) {
      if (!isWorthAnother(error) || tries >= retry.attempts) throw error;
      await clock.sleep(session.exchange.delay(tries), { signal: options.signal });
    }
  }
}

/** Begins an upload of a blob whose digest is not known yet. Throws what requests throw. */
export function beginAhead(target: BlobTarget, signal: AbortSignal): Promise<Upload | undefined> {
  const { registry, repository } = target;
  const purpose = { operation: "push", subject: formatReference({ registry, repository }) };
  return beginUpload(target, "", [], purpose, signal);
}

/** The connection broke off, the registry is busy, or it has forgotten the upload. */
function isWorthAnother(error: unknown): boolean {
  return error instanceof SteppeError && ["REGISTRY_UNREACHABLE", "IMAGE_NOT_FOUND"].includes(error.code);
}

async function hasBlob(
  target: BlobTarget,
  digest: string,
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { session, repository } = target;
  using answer = await session.send({
    method: "HEAD",
    target: `/v2/${repository}/blobs/${digest}`,
    // The scope of the upload to come: one token for both.
    scopes: [repositoryScope(repository, "push")],
    purpose,
    repeatable: true,
    expect: [200, 404],
    signal,
  });
  return answer.status === 200;
}

/** An upload that was begun; undefined if the blob was mounted. */
async function mountOrBegin(
  target: BlobTarget,
  blob: BlobSource,
  purpose: Purpose,
  { mountFrom = [], signal }: PushBlobOptions,
): Promise<Upload | undefined> {
  for (const from of mountFrom) {
    const query = `?mount=${encodeURIComponent(blob.digest)}&from=${encodeURIComponent(from)}`;
    try {
      const begun = await beginUpload(target, query, [repositoryScope(from, "pull")], purpose, signal);
      if (begun === undefined || from === mountFrom.at(-1)) return begun;
    } catch (error) {
      // Some token servers refuse a token if one of its repositories may not be read.
      if (!(error instanceof SteppeError) || error.code !== "REGISTRY_DENIED") throw error;
    }
  }
  return beginUpload(target, "", [], purpose, signal);
}

async function upload(
  { session, registry, repository }: BlobTarget,
  begun: Upload,
  blob: BlobSource,
  purpose: Purpose,
  { chunkBytes, signal }: PushBlobOptions,
): Promise<void> {
  const request = { scopes: [repositoryScope(repository, "push")], purpose, signal };
  const whole = blob.size <= Math.max(chunkBytes, begun.chunkBytes);
  const location = whole ? begun.location : await uploadChunks(session, begun, blob, { ...request, chunkBytes });
  using answer = await session.send({
    ...request,
    method: "PUT",
    target: withDigest(location, blob.digest),
    headers: { "content-type": "application/octet-stream", "content-length": String(whole ? blob.size : 0) },
    body: whole ? () => blob.content() : undefined,
    repeatable: false,
    expect: [201],
  });
  const told = answer.field("docker-content-digest");
  if (told === undefined || !isDigest(told) || told === blob.digest) return;
  throw nonsense(purpose, registry, `it took the content for ${told}`);
}

/** Begins an upload; undefined if that mounted the blob. An upload that is begun and left costs the registry nothing that lasts. */
async function beginUpload(
  { session, repository }: BlobTarget,
  query: string,
  scopes: readonly Scope[],
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<Upload | undefined> {
  using answer = await session.send({
    method: "POST",
    target: `/v2/${repository}/blobs/uploads/${query}`,
    scopes: [repositoryScope(repository, "push"), ...scopes],
    purpose,
    headers: { "content-length": "0" },
    repeatable: true,
    expect: query === "" ? [202] : [201, 202],
    signal,
  });
  return answer.status === 201 ? undefined : uploadOf(session, answer, purpose);
}

function uploadOf(session: RegistrySession, answer: HttpAnswer, purpose: Purpose): Upload {
  return {
    location: session.address(answer.field("location"), answer.url, purpose),
    chunkBytes: parseLength(answer.headers["oci-chunk-min-length"]) ?? 0,
  };
}

/** The query is left as it is: it may be signed. */
function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}
