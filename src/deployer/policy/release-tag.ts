import { stripRelease } from "../../config/index.ts";
import type { ReleaseRow } from "../../store/index.ts";

/**
 * The tag that the content of a release came from: of git, or of a registry without its `release-`; null if it came from a branch, a folder, or an image that was asked for by
 * its digest.
 */
export function releaseTag({ ref, reference }: Pick<ReleaseRow, "ref" | "reference">): string | null {
  if (reference !== null) return tagOf(reference);
  return ref?.startsWith("refs/tags/") === true ? ref.slice("refs/tags/".length) : null;
}

/** Of `registry.example.com:5000/team/blog:v1@sha256:…`. */
function tagOf(reference: string): string | null {
  const tag = /:([^/:@]+)@/.exec(reference)?.[1];
  return tag === undefined ? null : stripRelease(tag);
}
