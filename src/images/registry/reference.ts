import { SteppeError } from "../../shared/errors.ts";
import { type ImageName, isDigest, isTag, readImageName, readRegistry } from "../../shared/image-name.ts";

export { DOCKER_HUB, isDigest, isRepository, isTag } from "../../shared/image-name.ts";

/** Where an image is: `registry.example.com:5000/team/site:v2@sha256:…`. */
export interface ImageReference extends ImageName {
  tag?: string;
  /** `sha256:…` or `sha512:…`. With a tag as well, the digest is what counts. */
  digest?: string;
}

const MOST_CHARACTERS = 1024;

/**
 * Reads what people write for an image: `nginx` is `docker.io/library/nginx:latest`.
 * https://github.com/distribution/reference
 * Throws REFERENCE_INVALID, which names the part that is wrong.
 */
export function parseReference(text: string): ImageReference {
  if (text === "") throw invalid(text, "it is empty");
  if (text.length > MOST_CHARACTERS) throw invalid(`${text.slice(0, 40)}…`, `it is longer than ${MOST_CHARACTERS}`);
  const at = text.indexOf("@");
  const digest = at === -1 ? undefined : text.slice(at + 1);
  const named = at === -1 ? text : text.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const withoutTag = colon === -1 || isBareRegistry(named) ? named : named.slice(0, colon);
  const tag = withoutTag === named ? undefined : named.slice(colon + 1);
  const name = readImageName(withoutTag);
  if ("problem" in name) throw invalid(text, name.problem);
  if (tag !== undefined && !isTag(tag)) {
    throw invalid(text, `its tag "${tag}" is not 1 to 128 letters, digits, "_", "." and "-"`);
  }
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, `its digest "${digest}" is not sha256: and 64, or sha512: and 128, lower-case hex digits`);
  }
  if (digest !== undefined) return { ...name.value, ...(tag === undefined ? {} : { tag }), digest };
  return { ...name.value, tag: tag ?? "latest" };
}

/** The one way to write a reference: with its registry, and `library/` of Docker Hub. */
export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  const parts = [registry, "/", repository, ...(tag === undefined ? [] : [":", tag])];
  return [...parts, ...(digest === undefined ? [] : ["@", digest])].join("");
}

/** `HOST[:PORT]` of what was given as a registry. Throws REFERENCE_INVALID. */
export function parseRegistry(text: string): string {
  const registry = readRegistry(text);
  if ("problem" in registry) throw invalid(text, registry.problem);
  return registry.value;
}

/** `[::1]:5000` without a repository: its colons are no tag's. */
function isBareRegistry(text: string): boolean {
  return text.startsWith("[") && !text.includes("/");
}

function invalid(subject: string, cause: string): SteppeError {
  return new SteppeError("REFERENCE_INVALID", { operation: "read the image name", subject, cause });
}
