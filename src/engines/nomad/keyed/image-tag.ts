import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";

/** Which image of a registry a release is. */
export interface TaggedImage {
  /** `registry.example.com/team/blog` */
  repository: string;
  tag: string;
  /** What the tag stood for when the release was made. */
  digest: string;
}

const TAGGED = /^(?<repository>.+):(?<tag>[^:/@]+)@(?<digest>[^@]+)$/;

/** The tag of a release's image, as its job is told of it. Throws TAG_REFUSED if it has none. */
export function imageTag({ app, number, taggedReference }: ReleaseSpec): TaggedImage {
  const { repository, tag, digest } = TAGGED.exec(taggedReference ?? "")?.groups ?? {};
  if (repository !== undefined && tag !== undefined && digest !== undefined) return { repository, tag, digest };
  throw new SteppeError("TAG_REFUSED", {
    operation: "deploy",
    subject: `${app} release ${number}`,
    cause: "its image has no tag in the registry, and a tag is all that its job takes",
    hint: "Push a tag: of the repository, or of an image.",
  });
}
