import * as z from "zod";
import type { Reading } from "./adapter.ts";
import { fullRef, isNoObject, refHint, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";

const text = z.string().nullish();

const repository = z.object({
  clone_url: text,
  ssh_url: text,
  html_url: text,
  pushed_at: z.union([z.number(), z.string()]).nullish(),
});

const push = z.object({
  ref: z.string(),
  after: text,
  deleted: z.boolean().nullish(),
  head_commit: z.object({ id: text }).nullish(),
  repository,
});

const create = z.object({ ref: z.string(), ref_type: z.string(), sha: text, repository });

/** The event `push`, of GitHub and of Gitea, which has it from there. Throws Malformed. */
export function readPush(json: unknown, eventId: string): Reading {
  const { ref, after, deleted, head_commit, repository } = parseAs(push, json);
  if (deleted === true || isNoObject(after)) return { nothing: "a ref was deleted" };
  // Of an annotated tag, `after` is the tag's own object.
  const commit = head_commit?.id ?? after;
  return { hints: [refHint({ ...whereOf(repository), ref, commit, eventId })] };
}

/** The event `create`, of which GitHub tells no commit. Throws Malformed. */
export function readCreate(json: unknown, eventId: string): Reading {
  const { ref, ref_type: type, sha: commit, repository } = parseAs(create, json);
  const full = fullRef(type, ref);
  if (full === undefined) return { nothing: `what was created is a ${type}` };
  return { hints: [refHint({ ...whereOf(repository), ref: full, commit, eventId })] };
}

function whereOf(said: z.output<typeof repository>): {
  repositoryUrls: Array<string | null | undefined>;
  at: number | null;
} {
  return { repositoryUrls: [said.clone_url, said.ssh_url, said.html_url], at: toTime(said.pushed_at) };
}
