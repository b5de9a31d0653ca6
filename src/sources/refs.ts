import { isUtf8 } from "node:buffer";
import { type Git, gitFailed } from "./git.ts";

/** A tag or a branch of a repository. */
export interface Ref {
  /** `refs/tags/v1`, `refs/heads/main`. */
  name: string;
  /** What it points to: of an annotated tag, the tag's own object. */
  oid: string;
  /** The commit, or null if it leads to something else (a file, a tree). */
  commit: string | null;
  /**
   * Seconds since 1970: when an annotated tag was made, or else the commit. Git does not record when a plain
   * tag was made.
   */
  createdAt: number;
}

const FORMAT = "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(creatordate:unix)";

/** The tags and branches of a repository, by one run of git. Refs whose names are not UTF-8 are left out. */
export async function listRefs(git: Git, repository: string, subject: string): Promise<Ref[]> {
  const args = ["for-each-ref", `--format=${FORMAT}`, "refs/tags", "refs/heads"];
  const result = await git.run({ repository, args });
  if (result.code !== 0) throw gitFailed("GIT_FAILED", "read the refs of", subject, result);
  const refs: Ref[] = [];
  for (const line of lines(result.stdout)) {
    if (!isUtf8(line)) continue;
    const [name = "", oid = "", type, peeled = "", peeledType, date] = line.toString("utf8").split("\0");
    const commit = type === "commit" ? oid : peeledType === "commit" ? peeled : null;
    const nested = peeledType === "tag"; // a tag of a tag, which for-each-ref peels but once
    const found = nested ? await peel(git, repository, oid) : commit;
    refs.push({ name, oid, commit: found, createdAt: Number(date) || 0 });
  }
  return refs;
}

/** The commit that an object leads to, or null. */
export async function peel(git: Git, repository: string, object: string): Promise<string | null> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${object}^{commit}`];
  const { code, stdout } = await git.run({ repository, args });
  return code === 0 ? stdout.toString("latin1").trim() : null;
}

/** The name that a person uses: `v1` for `refs/tags/v1`. */
export function shortName(ref: string): string {
  return ref.replace(/^refs\/(tags|heads)\//, "");
}

/** Ref names hold neither newlines nor NULs: https://git-scm.com/docs/git-check-ref-format */
function* lines(output: Buffer): Generator<Buffer> {
  for (let start = 0, end: number; start < output.length; start = end + 1) {
    end = output.indexOf(10, start);
    if (end === -1) end = output.length;
    if (end > start) yield output.subarray(start, end);
  }
}
