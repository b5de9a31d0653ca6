import { SteppeError } from "../../shared/errors.ts";
import type { HttpAnswer } from "../../shared/http/transport.ts";
import { sha256Digest } from "../oci-manifest.ts";
import { digestLike } from "./digest.ts";
import type { RateLimit } from "./header-fields.ts";
import {
  ACCEPTED_MANIFESTS,
  chooseManifest,
  describePlatforms,
  formatPlatform,
  type ImageIndex,
  type ImageManifest,
  ManifestError,
  MOST_MANIFEST_BYTES,
  parseRemoteManifest,
  type Platform,
} from "./manifest.ts";
import { formatReference, type ImageReference, isDigest } from "./reference.ts";
import { nonsense, type Purpose } from "./registry-errors.ts";
import type { RegistrySession } from "./registry-session.ts";
import { repositoryScope } from "./scopes.ts";

/** What a tag stands for now. */
export interface Resolved {
  digest: string;
  /** What the registry allows yet, if it told. */
  rateLimit?: RateLimit;
}

/** A manifest or index as it is in the registry, byte by byte. */
export interface RemoteManifest {
  digest: string;
  content: Buffer;
  parsed: ImageManifest | ImageIndex;
}

/** A manifest of an image for one platform. */
export interface RemoteImage extends RemoteManifest {
  parsed: ImageManifest;
  /** Of the index from which it was chosen. */
  indexDigest?: string;
}

interface Options {
  signal?: AbortSignal | undefined;
}

/**
 * The digest that a tag stands for: by HEAD, which Docker Hub does not count as a pull; where that gives none, by reading the manifest.
 * Throws IMAGE_NOT_FOUND and what requests throw.
 */
export async function resolveTag(
  session: RegistrySession,
  reference: ImageReference,
  { signal }: Options,
): Promise<Resolved> {
  const purpose = { operation: "look up", subject: formatReference(reference) };
  const { digest: wanted } = reference;
  const digest =
    (await headDigest(session, reference, purpose, signal)) ??
    (await getManifest(session, reference, { signal, purpose })).digest;
  if (wanted !== undefined && wanted !== digest)
    throw nonsense(purpose, reference.registry, `it has ${digest} in its place`);
  return { digest, ...(session.rateLimit === undefined ? {} : { rateLimit: session.rateLimit }) };
}

/** Reads a manifest or an index, and checks its digest. Throws IMAGE_NOT_FOUND, REGISTRY_ANSWER_INVALID and what requests throw. */
export async function getManifest(
  session: RegistrySession,
  reference: ImageReference,
  { signal, purpose = { operation: "pull", subject: formatReference(reference) } }: Options & { purpose?: Purpose },
): Promise<RemoteManifest> {
  const { registry, digest: wanted } = reference;
  const request = manifestRequest("GET", reference, purpose, signal);
  const { answer, content } = await session.read(request, MOST_MANIFEST_BYTES);
  const told = toldDigest(answer);
  for (const expected of [wanted, told]) {
    if (expected === undefined) continue;
    const found = digestLike(expected, content);
    if (found !== expected) throw nonsense(purpose, registry, `its manifest is ${found} in place of ${expected}`);
  }
  try {
    const parsed = parseRemoteManifest(content, answer.field("content-type"));
    return { digest: wanted ?? told ?? sha256Digest(content), content, parsed };
  } catch (error) {
    if (error instanceof ManifestError) throw nonsense(purpose, registry, error.message);
    throw error;
  }
}

/**
 * Reads the manifest of an image for a platform, through its index if it has one.
 * Throws IMAGE_NOT_FOUND if there is none for the platform, and says which there are.
 */
export async function getImage(
  session: RegistrySession,
  reference: ImageReference,
  platform: Platform,
  { signal }: Options,
): Promise<RemoteImage> {
  const top = await getManifest(session, reference, { signal });
  if (top.parsed.kind === "image") return { ...top, parsed: top.parsed };
  const purpose = { operation: "pull", subject: formatReference(reference) };
  const chosen = chooseManifest(top.parsed, platform);
  if (chosen === undefined) throw noPlatform(purpose, top.parsed, platform);
  const image = await getManifest(session, { ...reference, digest: chosen.digest }, { signal, purpose });
  if (image.parsed.kind === "image" && image.content.length === chosen.size) {
    return { ...image, parsed: image.parsed, indexDigest: top.digest };
  }
  throw nonsense(purpose, reference.registry, `its index does not describe ${chosen.digest} as it is`);
}

/**
 * Writes a manifest under the reference's tag, or its digest if it has no tag. All that it names must be there.
 * Throws what requests throw; REGISTRY_ANSWER_INVALID if the registry took it for another.
 */
export async function putManifest(
  session: RegistrySession,
  reference: ImageReference,
  { content, mediaType }: { content: Buffer; mediaType: string },
  { signal }: Options,
): Promise<void> {
  const purpose = { operation: "push", subject: formatReference(reference) };
  const digest = sha256Digest(content);
  using answer = await session.send({
    method: "PUT",
    target: `/v2/${reference.repository}/manifests/${reference.tag ?? digest}`,
    scopes: [repositoryScope(reference.repository, "push")],
    purpose,
    headers: { "content-type": mediaType, "content-length": String(content.length) },
    body: () => content,
    repeatable: true,
    expect: [201],
    signal,
  });
  const told = toldDigest(answer);
  if (told === undefined || told === digestLike(told, content)) return;
  throw nonsense(purpose, reference.registry, `it took the manifest for ${told} in place of ${digest}`);
}

/** Undefined if the registry does not tell: some leave the field away, some do not know HEAD here. */
async function headDigest(
  session: RegistrySession,
  reference: ImageReference,
  purpose: Purpose,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const request = manifestRequest("HEAD", reference, purpose, signal);
  using answer = await session.send({ ...request, expect: [200, 405, 501] });
  return answer.status === 200 ? toldDigest(answer) : undefined;
}

function manifestRequest(
  method: "GET" | "HEAD",
  reference: ImageReference,
  purpose: Purpose,
  signal: AbortSignal | undefined,
) {
  return {
    method,
    target: `/v2/${reference.repository}/manifests/${reference.digest ?? reference.tag ?? "latest"}`,
    scopes: [repositoryScope(reference.repository, "pull")],
    purpose,
    headers: { accept: ACCEPTED_MANIFESTS.join(", ") },
    repeatable: true,
    expect: [200],
    signal,
  };
}

function toldDigest(answer: HttpAnswer): string | undefined {
  const field = answer.field("docker-content-digest");
  return field !== undefined && isDigest(field) ? field : undefined;
}

function noPlatform(purpose: Purpose, index: ImageIndex, platform: Platform): SteppeError {
  const cause = `it has no image for ${formatPlatform(platform)}, only for ${describePlatforms(index)}`;
  return new SteppeError("IMAGE_NOT_FOUND", { ...purpose, cause, hint: "Build it for that platform as well." });
}
