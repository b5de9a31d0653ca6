import { readImageName } from "../../../shared/image-name.ts";

/**
 * The repository of an image as a task of Nomad's names it, with its registry: `registry.example.com/team/blog`. Its tag may be one that Nomad puts in, as in `team/blog:${IMAGE_TAG}`.
 * Undefined if it is none of a registry.
 */
export function imageRepository(image: string): string | undefined {
  const [named = ""] = image.replace(/^(docker|https?):\/\//, "").split("@");
  const read = readImageName(named.replace(/:[^/]*$/, ""));
  return "value" in read ? `${read.value.registry}/${read.value.repository}` : undefined;
}
