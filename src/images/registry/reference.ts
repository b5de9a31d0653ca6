import { SteppeError } from "../../shared/errors.ts";

/** Where an image is: `registry.example.com:5000/team/site:v2@sha256:…`. */
export interface ImageReference {
  /** Host, with its port if it is not the usual one: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  registry: string;
  /** `library/nginx`. */
  repository: string;
  tag?: string;
  /** `sha256:…` or `sha512:…`. With a tag as well, the digest is what counts. */
  digest?: string;
}

/** The registry of a reference that names none, as Docker has it. */
export const DOCKER_HUB = "docker.io";

const DOCKER_HUB_NAMES = new Set([DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);
const MOST_CHARACTERS = 1024;
/** Registry and repository, by the reference grammar of the distribution project. */
const MOST_NAME_CHARACTERS = 255;
const HOST_LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
const REPOSITORY_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

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
  const { registry, repository } = parseName(withoutTag, text);
  if (tag !== undefined && !isTag(tag)) {
    throw invalid(text, `its tag "${tag}" is not 1 to 128 letters, digits, "_", "." and "-"`);
  }
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, `its digest "${digest}" is not sha256: and 64, or sha512: and 128, lower-case hex digits`);
  }
  if (digest !== undefined) return { registry, repository, ...(tag === undefined ? {} : { tag }), digest };
  return { registry, repository, tag: tag ?? "latest" };
}

/** The one way to write a reference: with its registry, and `library/` of Docker Hub. */
export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  const parts = [registry, "/", repository, ...(tag === undefined ? [] : [":", tag])];
  return [...parts, ...(digest === undefined ? [] : ["@", digest])].join("");
}

/** Whether it names a repository within a registry: `team/site`. */
export function isRepository(text: string): boolean {
  return text.length <= MOST_NAME_CHARACTERS && text.split("/").every((component) => REPOSITORY_NAME.test(component));
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether it is a digest that can be checked here. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** `HOST[:PORT]` of what was given as a registry. Throws REFERENCE_INVALID. */
export function parseRegistry(text: string, subject = text): string {
  const { host, port } = /^(?<host>\[[^\]]*\]|[^:]*)(:(?<port>.*))?$/s.exec(text)?.groups ?? {};
  if (host === undefined || !isHost(host)) throw invalid(subject, `its registry "${text}" is no host name`);
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536)) {
    throw invalid(subject, `the port "${port}" of its registry is no number from 1 to 65535`);
  }
  const registry = text.toLowerCase();
  return DOCKER_HUB_NAMES.has(registry) ? DOCKER_HUB : registry;
}

function parseName(name: string, text: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const isRegistry = first === "localhost" || /[.:[]/.test(first);
  const registry = isRegistry ? parseRegistry(first, text) : DOCKER_HUB;
  const path = isRegistry ? name.slice(slash + 1) : name;
  for (const component of path.split("/")) {
    if (REPOSITORY_NAME.test(component)) continue;
    const why = /[A-Z]/.test(component)
      ? "has upper-case letters"
      : 'is not lower-case letters and digits, with single ".", "_", "__" or "-" between';
    throw invalid(text, `the part "${component}" of its repository ${why}`);
  }
  const repository = registry === DOCKER_HUB && !path.includes("/") ? `library/${path}` : path;
  if (registry.length + 1 + repository.length > MOST_NAME_CHARACTERS) {
    throw invalid(text, `its registry and repository are longer than ${MOST_NAME_CHARACTERS} characters`);
  }
  return { registry, repository };
}

/** `[::1]:5000` without a repository: its colons are no tag's. */
function isBareRegistry(text: string): boolean {
  return text.startsWith("[") && !text.includes("/");
}

function isHost(host: string): boolean {
  if (host.startsWith("[")) return /^\[[0-9a-f:.]+\]$/i.test(host) && URL.canParse(`http://${host}/`);
  return host.split(".").every((label) => HOST_LABEL.test(label)) && URL.canParse(`http://${host}/`);
}

function invalid(subject: string, cause: string): SteppeError {
  return new SteppeError("REFERENCE_INVALID", { operation: "read the image name", subject, cause });
}
