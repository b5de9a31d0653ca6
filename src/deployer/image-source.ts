import { formatReference, parseReference } from "../images/index.ts";
import type { DeploymentSource } from "./types.ts";

/** The source of an image of a registry. `reference` has its digest. Throws REFERENCE_INVALID. */
export function imageSource(reference: string, movedFrom?: string): DeploymentSource & { kind: "image" } {
  const parsed = parseReference(reference);
  const { tag = null, digest = "" } = parsed;
  const source = { kind: "image" as const, reference: formatReference(parsed), tag, digest };
  return movedFrom === undefined ? source : { ...source, movedFrom };
}
