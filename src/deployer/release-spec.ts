import type { ReleaseSpec } from "../engines/engine.ts";
import { isTag } from "../images/index.ts";
import type { ReleaseRow } from "../store/index.ts";
import { pushTarget } from "./content-steps.ts";
import { releaseTag } from "./policy/release-tag.ts";

/** What makes a release what it is. */
type Content = Pick<ReleaseRow, "app" | "number" | "image" | "definition" | "ref" | "commit" | "reference">;

/** What the engine is told of a release. */
export function releaseSpec(row: Content): ReleaseSpec {
  const { app, number, image, definition } = row;
  const taggedReference = taggedOf(row);
  const tag = releaseTag(row);
  return {
    app,
    number,
    image,
    ...(taggedReference === undefined ? {} : { taggedReference }),
    // One of git may have characters that nobody expects in a variable or a URL.
    ...(tag === null || !isTag(tag) ? {} : { tag }),
    definition,
  };
}

/** An image of a registry has the tag that it was asked for by, if it was by one; what was made here is pushed with one, on a cluster at any rate, whose engine alone asks for it. */
function taggedOf({ reference, ref, commit, definition, image }: Content): string | undefined {
  if (reference !== null) return /:[^/:@]+@/.test(reference) ? reference : undefined;
  const source =
    ref === null ? { kind: "upload" as const, image } : { kind: "ref" as const, ref, commit: commit ?? "" };
  const target = pushTarget(source, image, definition, { isCluster: true });
  if (target === undefined || "refusal" in target) return undefined;
  return `${target.repository}:${target.tag}@${image}`;
}
