import { shortDigest } from "./format.ts";
import { describeRef } from "./journal.ts";
import type { Deployment } from "./types.ts";

/** What a deployment is of, for people: `blog tag v2`. */
export function subjectOf({ app, source }: Pick<Deployment, "app" | "source">): string {
  if (source.kind === "ref") return `${app} ${describeRef(source.ref)}`;
  if (source.kind === "image") return `${app} image ${source.tag ?? shortDigest(source.digest)}`;
  if (source.kind === "rollback") return `${app} release ${source.release}`;
  return source.kind === "upload" ? `a folder for ${app}` : app;
}
