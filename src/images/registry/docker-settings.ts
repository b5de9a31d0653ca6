import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errno, SteppeError } from "../../shared/errors.ts";
import type { RegistrySettings } from "./registry-client.ts";

/** Where Docker, and podman, skopeo and buildah, look for certificates of one's own. https://docs.docker.com/engine/security/certificates/ */
const FOLDERS = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/**
 * What is particular about registries by Docker's own convention: certificates of authorities in `/etc/docker/certs.d/HOST:PORT/*.crt`. They are looked
 * for when a registry is used first. Throws REGISTRY_DENIED if they are there and cannot be read.
 *
 * @param insecure the registries, as references name them, that are spoken to by plain HTTP; besides those on this machine's loopback
 */
export function dockerSettings(
  insecure: ReadonlySet<string> = new Set(),
  folders: readonly string[] = FOLDERS,
): (registry: string) => RegistrySettings {
  return (registry) => {
    if (insecure.has(registry)) return { insecure: true };
    const texts = folders.flatMap((folder) => certificatesIn(join(folder, registry)));
    return texts.length === 0 ? {} : { ca: texts.join("\n") };
  };
}

function certificatesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".crt"));
    return names.sort().map((name) => readFileSync(join(folder, name), "utf8"));
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return [];
    throw new SteppeError(
      "REGISTRY_DENIED",
      {
        operation: "read the certificates in",
        subject: folder,
        cause: `they cannot be read (${errno(error) ?? String(error)})`,
        hint: "Make them readable for the user that Steppe runs as.",
      },
      { cause: error },
    );
  }
}
