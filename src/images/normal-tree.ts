import { SteppeError } from "../shared/errors.ts";
import type { Tree, TreeEntry } from "./types.ts";

const MAX_PATH_BYTES = 1024;
/** Names that begin so delete files of lower layers. https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
const WHITEOUT = ".wh.";

/** The order of a tree: that of the paths' UTF-8 bytes, which is that of JavaScript but for surrogate pairs. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  if (hasSurrogates(a) || hasSurrogates(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

/**
 * A tree in its one order, checked: what it holds can be an image, and can be unpacked nowhere but below its root.
 * Throws SITE_EMPTY, PATH_NOT_UTF8, PATH_TOO_LONG, FILE_UNSUPPORTED.
 */
export function normalTree(tree: Tree): Tree {
  if (tree.length === 0) {
    throw new SteppeError("SITE_EMPTY", { operation: "make", subject: "an image", cause: "there are no files" });
  }
  for (const entry of tree) checkEntry(entry);
  const sorted = isSorted(tree) ? tree : tree.toSorted((a, b) => comparePaths(a.path, b.path));
  const paths = new Set<string>();
  for (const { path } of sorted) {
    if (paths.has(path)) throw refused("FILE_UNSUPPORTED", path, "the path is there twice");
    paths.add(path);
  }
  const folders = new Set<string>();
  for (const { path } of sorted) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (folders.has(folder)) break;
      folders.add(folder);
      if (paths.has(folder)) throw refused("FILE_UNSUPPORTED", folder, "it is both a file and a folder");
    }
  }
  return sorted;
}

function checkEntry({ path, hash, size }: TreeEntry): void {
  if (!path.isWellFormed()) throw refused("PATH_NOT_UTF8", path.toWellFormed(), "the name is no Unicode text");
  if (path.length > MAX_PATH_BYTES || Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw refused("PATH_TOO_LONG", `${path.slice(0, 80)}…`, `the path has more than ${MAX_PATH_BYTES} bytes`);
  }
  if (path.includes("\0") || /^$|^\/|\/$|\/\/|(^|\/)\.\.?(\/|$)/.test(path)) {
    throw refused("FILE_UNSUPPORTED", path, "this is no path below the site");
  }
  if (path.startsWith(WHITEOUT) || path.includes(`/${WHITEOUT}`)) {
    throw refused("FILE_UNSUPPORTED", path, `OCI images have no names that begin with ${WHITEOUT}`);
  }
  if (hash.length !== 32 || !Number.isSafeInteger(size) || size < 0) throw new Error(`${path}: no hash or no size`);
}

function isSorted(tree: Tree): boolean {
  return tree.every((entry, i) => i === 0 || comparePaths(tree[i - 1]?.path ?? "", entry.path) < 0);
}

function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text);
}

function refused(
  code: "FILE_UNSUPPORTED" | "PATH_NOT_UTF8" | "PATH_TOO_LONG",
  subject: string,
  cause: string,
): SteppeError {
  return new SteppeError(code, { operation: "make an image with", subject, cause });
}
