import { SteppeError } from "../shared/errors.ts";
import { hasHiddenName, isHidden, isNotSite, LONGEST_PATH, printablePath, sitePath } from "./source-path.ts";
import type { SourceEntry } from "./source-tree.ts";

/** A file of a site, and where its content is. */
export interface SiteFile {
  path: string;
  /** Of a link, the entry of what it leads to. */
  entry: SourceEntry;
}

export interface SiteFilesOptions {
  /** What to call the source: `blog@v2`. */
  label: string;
  /** Whether the entries are those of a repository's root, where some names are for Steppe and not for visitors. */
  isRoot: boolean;
  /** What each link leads to, as it was written, in bytes. */
  targets: ReadonlyMap<SourceEntry, Buffer>;
  /** Links can make few files and folders many; so many of each are allowed. Default 1,000,000. */
  mostFiles?: number;
}

/** So many links may lead to each other, as in Linux. */
const MOST_HOPS = 40;

/**
 * The files of a site: without hidden names, and with links as what they lead to. Throws LINK_OUTSIDE, LINK_BROKEN, PATH_NOT_UTF8,
 * PATH_TOO_LONG, FILE_UNSUPPORTED, each naming the path.
 */
export function siteFiles(entries: readonly SourceEntry[], options: SiteFilesOptions): SiteFile[] {
  const { label, isRoot } = options;
  if (entries.some((entry) => entry.kind === "link")) return new LinkedSite(entries, options).files();
  const files: SiteFile[] = [];
  for (const entry of entries) {
    if (hasHiddenName(entry.path)) continue;
    const path = sitePath(entry.path, entry, label);
    if (!(isRoot && isNotSite(path))) files.push({ path, entry });
  }
  return files;
}

interface Folder {
  kind: "folder";
  parent: Folder | undefined;
  children: Map<string, Node>;
}
interface Leaf {
  kind: "leaf";
  entry: SourceEntry;
}
interface Link {
  kind: "link";
  entry: SourceEntry;
  target: string;
}
type Node = Folder | Leaf | Link;

/** Names in it are latin1 strings, which stand for any bytes. */
class LinkedSite {
  readonly #root: Folder = { kind: "folder", parent: undefined, children: new Map() };
  readonly #options: SiteFilesOptions;
  readonly #files: SiteFile[] = [];
  #folders = 0;

  constructor(entries: readonly SourceEntry[], options: SiteFilesOptions) {
    this.#options = options;
    for (const entry of entries) this.#add(entry);
  }

  files(): SiteFile[] {
    this.#walk(this.#root, "", new Set([this.#root]));
    return this.#files;
  }

  #add(entry: SourceEntry): void {
    const names = entry.path.toString("latin1").split("/");
    const last = names.pop() ?? "";
    let folder = this.#root;
    for (const name of names) {
      let next = folder.children.get(name);
      if (next?.kind !== "folder") {
        next = { kind: "folder", parent: folder, children: new Map() };
        folder.children.set(name, next);
      }
      folder = next;
    }
    const target = entry.kind === "link" ? this.#options.targets.get(entry)?.toString("latin1") : undefined;
    folder.children.set(last, target === undefined ? { kind: "leaf", entry } : { kind: "link", entry, target });
  }

  /** @param within the folders that hold this one, by whichever way it was reached */
  #walk(folder: Folder, prefix: string, within: ReadonlySet<Folder>): void {
    for (const [name, child] of folder.children) {
      if (isHidden(name) || (folder === this.#root && this.#options.isRoot && isNotSite(name))) continue;
      const path = prefix + name;
      const node = child.kind === "link" ? this.#follow(child, folder, path) : child;
      if (node.kind === "leaf") {
        this.#take(path, node.entry);
        continue;
      }
      if (within.has(node)) throw this.#broken(path, child, "a folder that holds it");
      this.#bound(this.#folders++, "folders");
      if (path.length > LONGEST_PATH) sitePath(Buffer.from(path, "latin1"), { kind: "file" }, this.#options.label);
      this.#walk(node, `${path}/`, new Set([...within, node]));
    }
  }

  #take(path: string, entry: SourceEntry): void {
    this.#bound(this.#files.length, "files");
    this.#files.push({ path: sitePath(Buffer.from(path, "latin1"), entry, this.#options.label), entry });
  }

  #bound(count: number, what: string): void {
    const { label, mostFiles = 1_000_000 } = this.#options;
    if (count < mostFiles) return;
    const cause = `its links make it more than ${mostFiles} ${what}`;
    throw new SteppeError("FILE_UNSUPPORTED", { operation: "read", subject: label, cause });
  }

  #follow(link: Link, from: Folder, path: string): Folder | Leaf {
    const found = resolve(from, link.target, { hops: MOST_HOPS });
    if (found === "outside") {
      const cause = `the link \`${shown(path)}\` leads out of the site, to \`${shown(link.target)}\``;
      throw new SteppeError("LINK_OUTSIDE", { operation: "read", subject: this.#options.label, cause });
    }
    if (typeof found === "string") throw this.#broken(path, link, found === "loop" ? "itself" : "nothing");
    return found;
  }

  #broken(path: string, link: Node, what: string): SteppeError {
    const target = link.kind === "link" ? shown(link.target) : "";
    const cause = `the link \`${shown(path)}\` to \`${target}\` leads to ${what}`;
    return new SteppeError("LINK_BROKEN", { operation: "read", subject: this.#options.label, cause });
  }
}

/** As the kernel follows a link: https://man7.org/linux/man-pages/man7/path_resolution.7.html */
function resolve(
  from: Folder,
  target: string,
  budget: { hops: number },
): Folder | Leaf | "outside" | "broken" | "loop" {
  if (target.startsWith("/")) return "outside";
  if (budget.hops-- === 0) return "loop";
  let at: Folder | Leaf = from;
  for (const name of target.split("/")) {
    if (at.kind === "leaf") return "broken";
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (at.parent === undefined) return "outside";
      at = at.parent;
      continue;
    }
    const child = at.children.get(name);
    if (child === undefined) return "broken";
    const found: Folder | Leaf | "outside" | "broken" | "loop" =
      child.kind === "link" ? resolve(at, child.target, budget) : child;
    if (typeof found === "string") return found;
    at = found;
  }
  return at;
}

function shown(path: string): string {
  return printablePath(Buffer.from(path, "latin1"));
}
