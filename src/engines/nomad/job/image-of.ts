import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";

/** The image of a release as a node fetches it, by its digest. Throws CONFIG_INVALID if it is in no registry. */
export function imageOf({ app, image, definition }: ReleaseSpec): string {
  if (definition.image !== null) return `${definition.image.repository}@${image}`;
  throw new SteppeError("CONFIG_INVALID", {
    operation: "make the job of",
    subject: app,
    cause: "it has no `image`, and the nodes of a cluster fetch images from a registry",
    hint: "Give it an `image`: registry and repository.",
  });
}
