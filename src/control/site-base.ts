import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseReference, type RegistryClient } from "../images/index.ts";
import type { Base } from "../images/writer/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { packageRoot } from "../shared/package-root.ts";

/** What sites are put on, to be run. */
export interface SiteBase {
  /** Opened anew for each image: a tag may have moved. Throws IMAGE_NOT_FOUND, IMAGE_INVALID, and what registries throw. */
  open(client: RegistryClient, signal: AbortSignal): Promise<Base>;
}

/** Where a clone, or a package, has the image that it has built. */
const OWN = join(packageRoot, "dist/site-server/oci");
const LAYOUT = "oci:";

/**
 * @param wanted a reference of a registry, or `oci:` and the absolute path of a layout; null: the one that this clone or package has built, if it has
 * Throws REFERENCE_INVALID.
 */
export function siteBase(wanted: string | null, own: string = OWN): SiteBase {
  const isLayout = wanted === null || wanted.startsWith(LAYOUT);
  const reference = isLayout ? null : parseReference(wanted);
  return {
    async open(client, signal) {
      const { layoutBase, openBase, registryBase } = await import("../images/writer/index.ts");
      if (reference !== null) return await openBase(registryBase(client, reference, signal), null);
      if (wanted === null && !existsSync(join(own, "index.json"))) throw noBase();
      return await openBase(layoutBase(wanted === null ? own : wanted.slice(LAYOUT.length)), null);
    },
  };
}

function noBase(): SteppeError {
  return new SteppeError("IMAGE_NOT_FOUND", {
    operation: "build on",
    subject: "steppe/static",
    cause: "on a cluster a site is an image on this base, and there is none here",
    hint: "Make it with `npm run build:site-server` in a clone of Steppe, or name a copy of it: `steppe up --engine nomad --site-base registry.example.com/steppe/static`.",
  });
}
