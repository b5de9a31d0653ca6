import { stripRelease } from "../../config/index.ts";
import { AppTable, ReleaseTable, type Store } from "../../store/index.ts";

/**
 * The tag that the content of what is live came from: of git, or of a registry without its `release-`; null if nothing is live, or it came
 * from a branch, a folder, or an image that was asked for by its digest.
 */
export function liveTag(app: string, store: Store): string | null {
  const number = new AppTable(store).get(app)?.liveRelease ?? null;
  const { ref = null, reference = null } =
    (number === null ? undefined : new ReleaseTable(store).get(app, number)) ?? {};
  if (reference !== null) return tagOf(reference);
  return ref?.startsWith("refs/tags/") === true ? ref.slice("refs/tags/".length) : null;
}

/** Of `registry.example.com:5000/team/blog:v1@sha256:…`. */
function tagOf(reference: string): string | null {
  const tag = /:([^/:@]+)@/.exec(reference)?.[1];
  return tag === undefined ? null : stripRelease(tag);
}
