import * as z from "zod";
import { Malformed, type Reading } from "./adapter.ts";
import { imageHint, saysDigest, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";

const text = z.string().nullish();

const package_ = z.object({
  name: z.string(),
  ecosystem: text,
  package_type: text,
  owner: z.object({ login: text }).nullish(),
  package_version: z
    .object({
      version: text,
      name: text,
      package_url: text,
      updated_at: text,
      container_metadata: z.object({ tag: z.object({ name: text, digest: text }).nullish() }).nullish(),
    })
    .nullish(),
});

const event = z.object({ action: z.string(), package: package_.nullish(), registry_package: package_.nullish() });

const CONTAINERS = new Set(["container", "docker"]);
const PUSHES = new Set(["published", "updated", "create", "created", "update"]);

/**
 * The events `package` and `registry_package`: GHCR. One comes for each manifest of an image of many platforms, and the tag's name may be
 * empty even for one that has a tag; then any tag of the repository may have changed.
 */
export function readPackage(json: unknown, eventId: string): Reading {
  const { action, package: one, registry_package: other } = parseAs(event, json);
  const said = one ?? other;
  if (said === null || said === undefined) throw new Malformed("the body: names no package");
  if (!PUSHES.has(action)) return { nothing: `the package was ${action}` };
  const types = [said.ecosystem, said.package_type].map((type) => type?.toLowerCase() ?? "");
  if (!types.some((type) => CONTAINERS.has(type))) {
    return { nothing: `the package is of the type ${types.find((type) => type !== "") ?? "unknown"}` };
  }
  const version = said.package_version;
  const tag = version?.container_metadata?.tag;
  const digest = [version?.version, version?.name, tag?.digest].find((value) => saysDigest(value));
  return {
    hints: [
      imageHint({
        ...placeOf(version?.package_url ?? "", said.owner?.login ?? "", said.name),
        tag: tag?.name,
        digest,
        eventId,
        at: toTime(version?.updated_at),
      }),
    ],
  };
}

/** From `ghcr.io/OWNER/NAME:TAG`, which an Enterprise Server begins with its own host; else it is GHCR. */
function placeOf(url: string, owner: string, name: string): { registry: string; repository: string } {
  const [, registry = "ghcr.io", path = `${owner}/${name}`] = /^([^/:@]+\.[^/@]+)\/([^:@]+)/.exec(url) ?? [];
  return { registry, repository: path.toLowerCase() };
}
