/** Where images of one name are: `registry.example.com:5000/team/site`, without a tag or digest. */
export interface ImageName {
  /** Host, with its port if it is not the usual one: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  registry: string;
  /** `library/nginx`. */
  repository: string;
}

/** What reading gives: the value in its normal form, or what is wrong with the text, as a sentence about "it". */
type Read<Value> = { value: Value } | { problem: string };

/** The registry of a name that has none, as Docker has it. */
export const DOCKER_HUB = "docker.io";

const DOCKER_HUB_NAMES = new Set([DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);
/** Registry and repository, by the reference grammar of the distribution project. */
const MOST_NAME_CHARACTERS = 255;
const HOST_LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
const REPOSITORY_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/**
 * Reads registry and repository as people write them: `nginx` is `library/nginx` of `docker.io`. A tag or digest is a mistake here.
 * https://github.com/distribution/reference
 */
export function readImageName(text: string): Read<ImageName> {
  const slash = text.indexOf("/");
  const first = slash === -1 ? "" : text.slice(0, slash);
  const namesRegistry = first === "localhost" || /[.:[]/.test(first);
  const registry: Read<string> = namesRegistry ? readRegistry(first) : { value: DOCKER_HUB };
  if ("problem" in registry) return registry;
  const path = namesRegistry ? text.slice(slash + 1) : text;
  for (const component of path.split("/")) {
    if (REPOSITORY_NAME.test(component)) continue;
    const why = /[A-Z]/.test(component)
      ? "has upper-case letters"
      : 'is not lower-case letters and digits, with single ".", "_", "__" or "-" between';
    return { problem: `the part "${component}" of its repository ${why}` };
  }
  const repository = registry.value === DOCKER_HUB && !path.includes("/") ? `library/${path}` : path;
  if (registry.value.length + 1 + repository.length > MOST_NAME_CHARACTERS) {
    return { problem: `its registry and repository are longer than ${MOST_NAME_CHARACTERS} characters` };
  }
  return { value: { registry: registry.value, repository } };
}

/** `HOST[:PORT]` of what was given as a registry, all names of Docker Hub as one. */
export function readRegistry(text: string): Read<string> {
  const { host, port } = /^(?<host>\[[^\]]*\]|[^:]*)(:(?<port>.*))?$/s.exec(text)?.groups ?? {};
  if (host === undefined || !isHost(host)) return { problem: `its registry "${text}" is no host name` };
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536)) {
    return { problem: `the port "${port}" of its registry is no number from 1 to 65535` };
  }
  const registry = text.toLowerCase();
  return { value: DOCKER_HUB_NAMES.has(registry) ? DOCKER_HUB : registry };
}

/** Whether it names a repository within a registry: `team/site`. */
export function isRepository(text: string): boolean {
  return text.length <= MOST_NAME_CHARACTERS && text.split("/").every((component) => REPOSITORY_NAME.test(component));
}

/** Whether it is the tag of an image: `v1.2`. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether it is a digest that can be checked here. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

function isHost(host: string): boolean {
  if (host.startsWith("[")) return /^\[[0-9a-f:.]+\]$/i.test(host) && URL.canParse(`http://${host}/`);
  return host.split(".").every((label) => HOST_LABEL.test(label)) && URL.canParse(`http://${host}/`);
}
