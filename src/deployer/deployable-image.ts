import type { AppDefinition } from "../config/index.ts";
import { type ImageReference, parseReference } from "../images/index.ts";
import { SteppeError } from "../shared/errors.ts";

/**
 * Reads the reference of an image that is to be deployed. Throws REFERENCE_INVALID, TAG_REFUSED for `latest` without a digest, and IMAGE_NOT_FOUND for one of another repository on a
 * cluster.
 *
 * @returns it in its parts, and whether it is of the app's own repository
 */
export function deployableImage(
  { name, image }: Pick<AppDefinition, "name" | "image">,
  reference: string,
  { operation, isCluster }: { operation: string; isCluster: boolean },
): { parsed: ImageReference; isOwn: boolean } {
  const parsed = parseReference(reference);
  const { registry, repository, tag, digest } = parsed;
  const subject = `${name} image ${reference}`;
  if (tag === "latest" && digest === undefined) throw latestRefused(operation, subject);
  const isOwn = image?.repository === `${registry}/${repository}`;
  if (isCluster && !isOwn) {
    throw new SteppeError("IMAGE_NOT_FOUND", {
      operation,
      subject,
      cause: `on a cluster an app runs images of its own repository, ${image?.repository ?? "and this one has none"}`,
      hint: "Copy it there (`skopeo copy --all`), or change the app's `image`.",
    });
  }
  return { parsed, isOwn };
}

export function latestRefused(operation: string, subject: string): SteppeError {
  return new SteppeError("TAG_REFUSED", {
    operation,
    subject,
    cause: "the tag `latest` never deploys: it does not say what it is",
    hint: "Use a tag that names a version, such as v2; of an image also its digest: `…:latest@sha256:…`.",
  });
}
