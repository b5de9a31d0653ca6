import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../shared/atomic-file.ts";
import { errno } from "../../shared/errors.ts";

/** The setting that says where an image without a registry in its name is looked for. */
const SETTING = /^\s*unqualified-search-registries\s*=/m;
const DOCKER_HUB = 'unqualified-search-registries = ["docker.io"]\n';

/**
 * The environment in which buildah understands `FROM jekyll/jekyll`, as Docker does. It knows no registry for such names until it is told one, and
 * Debian tells it none; what the machine's own configuration says is left as it is.
 * https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
 *
 * @param file to write the setting into, if there is none
 */
export function shortNames(environment: NodeJS.ProcessEnv, file: string): Record<string, string> {
  const NAME = "CONTAINERS_REGISTRIES_CONF";
  const given = environment[NAME];
  if (given !== undefined && given !== "") return { [NAME]: given };
  const { HOME = "/nonexistent", XDG_CONFIG_HOME = join(HOME, ".config") } = environment;
  const own = [join(XDG_CONFIG_HOME, "containers/registries.conf"), "/etc/containers/registries.conf"];
  if (own.some((path) => SETTING.test(readOrNothing(path)))) return {};
  if (readOrNothing(file) !== DOCKER_HUB) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileAtomic(file, DOCKER_HUB);
  }
  return { [NAME]: file };
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(errno(error) ?? "")) return "";
    throw error;
  }
}
