import type { SourceEntry } from "../builds/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { OutputTooLong } from "../shared/run-command.ts";
import { type Git, gitFailed } from "./git.ts";

/** Folders that hold the same folder several times, a few levels deep, are billions of files in a push of a few kilobytes. */
const MOST_FILES = 1_000_000;
/** Bytes of git's list of them. */
const MOST_LIST = 256 * 1024 * 1024;

export interface ListTreeRequest {
  git: Git;
  repository: string;
  /** What `git rev-parse` takes for a tree: `COMMIT` or `COMMIT:FOLDER`. */
  tree: string;
  /** What to call it in messages: `blog@v2`. */
  label: string;
  signal?: AbortSignal;
}

/** The files of a tree, and of all folders in it. Throws FILE_UNSUPPORTED if there are too many, and GIT_FAILED. */
export async function listTree({ git, repository, tree, label, signal }: ListTreeRequest): Promise<SourceEntry[]> {
  const args = ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", tree];
  try {
    const options = { maxOutput: MOST_LIST, ...(signal === undefined ? {} : { signal }) };
    const result = await git.run({ repository, args }, options);
    if (result.code !== 0) throw gitFailed("GIT_FAILED", "read", label, result);
    const entries = parseTree(result.stdout);
    if (entries.length <= MOST_FILES) return entries;
  } catch (error) {
    if (!(error instanceof OutputTooLong)) throw error;
  }
  const cause = `it holds more than ${MOST_FILES} files, or their names are longer than ${MOST_LIST} bytes`;
  throw new SteppeError("FILE_UNSUPPORTED", { operation: "read", subject: label, cause });
}

/** `MODE TYPE OID SIZE<TAB>PATH<NUL>`, the size after spaces; see https://git-scm.com/docs/git-ls-tree#_output_format */
function parseTree(output: Buffer): SourceEntry[] {
  const entries: SourceEntry[] = [];
  for (let start = 0; start < output.length;) {
    const tab = output.indexOf(9, start);
    const end = output.indexOf(0, tab);
    const head = output.toString("latin1", start, tab);
    const oid = head.indexOf(" ", 7) + 1;
    const size = head.indexOf(" ", oid);
    entries.push({
      path: output.subarray(tab + 1, end),
      kind: kindOf(head.slice(0, 6)),
      size: Number(head.slice(size)) || 0, // a submodule has none: `-`
      oid: Buffer.from(head.slice(oid, size), "hex"),
    });
    start = end + 1;
  }
  return entries;
}

function kindOf(mode: string): SourceEntry["kind"] {
  if (mode.startsWith("100")) return "file";
  if (mode === "120000") return "link";
  return mode === "160000" ? "submodule" : "other";
}
