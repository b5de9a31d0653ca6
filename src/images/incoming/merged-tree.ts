import { SteppeError } from "../../shared/errors.ts";
import type { TarEntry } from "./tar-reader.ts";

/** Where the content of a file is: which layer, and which entry of its archive. */
export interface FilePlace {
  layer: number;
  ordinal: number;
  /** Bytes. */
  size: number;
}

/** What lies below a folder of an image. */
export type MergedEntry = { path: Buffer } & (
  | { kind: "file"; place: FilePlace }
  | { kind: "link"; target: Buffer }
  | { kind: "other" }
);

interface Folder {
  kind: "folder";
  name: string;
  /** Undefined of the root. */
  parent: Folder | undefined;
  children: Map<string, Node>;
  depth: number;
  /** The uppermost layer that brought it. */
  layer: number;
}
interface File {
  kind: "file";
  place: FilePlace;
  layer: number;
}
interface Link {
  kind: "link";
  target: string;
  layer: number;
}
interface Other {
  kind: "other";
  layer: number;
}
type Node = Folder | File | Link | Other;

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** Names of aufs that mean nothing. */
const WHITEOUT_META = ".wh..wh.";
/** So many links may lead to each other, as in Linux. */
const MOST_HOPS = 40;
/** As Linux has it, for paths and what links lead to. */
const MOST_PATH_BYTES = 4096;
/** Through links, folders could be deeper than any path is long. */
const MOST_DEPTH = 1000;

/** What the layers of an image may ask for. Well compressed, an archive of gigabytes that asks for more is sent in no time. */
export interface TreeBounds {
  /** Entries of the archives, and folders that are there because something lies in them. */
  entries: number;
  /** Bytes of all paths, those of the archives and those that are listed, and of what links lead to. */
  pathBytes: number;
  /** Names that are looked up or passed over, for all entries together. */
  steps: number;
}

const BOUNDS: TreeBounds = { entries: 1_000_000, pathBytes: 256 * 1024 ** 2, steps: 100_000_000 };

/**
 * The files of an image, as its layers make them one upon the other: what unpacking would give, without unpacking. Names are latin1 strings,
 * which stand for any bytes. Nothing can leave the root: `..` at it stays there, and links are followed within it.
 * https://github.com/opencontainers/image-spec/blob/main/layer.md#applying-changesets
 */
export class MergedTree {
  readonly #root: Folder = { kind: "folder", name: "", parent: undefined, children: new Map(), depth: 0, layer: 0 };
  readonly #subject: string;
  readonly #left: TreeBounds;

  /**
   * @param subject the image, in messages
   * @param bounds for tests: others
   */
  constructor(subject: string, bounds = BOUNDS) {
    this.#subject = subject;
    this.#left = { ...bounds };
  }

  /**
   * Applies an entry of a layer's archive. Layers come from the lowest to the uppermost, their entries in order.
   * Throws IMAGE_INVALID if it cannot be, or would lie outside.
   */
  apply(entry: TarEntry, layer: number, ordinal: number): void {
    this.#spend("entries", 1);
    const path = entry.name.toString("latin1");
    for (const { length } of [path, entry.target]) {
      if (length > MOST_PATH_BYTES) throw this.#refused(`it has a path of ${length} bytes`);
      this.#spend("pathBytes", length);
    }
    const names = this.#namesOf(path);
    const last = names.pop();
    if (last === undefined) return; // the root itself
    if (last.startsWith(WHITEOUT)) {
      this.#whiteOut(this.#find(names), last, layer);
      return;
    }
    const parent = this.#make(names, layer);
    const before = parent.children.get(last);
    if (entry.kind === "folder") {
      if (before?.kind === "folder") before.layer = layer;
      else this.#addFolder(parent, last, layer);
      return;
    }
    const node = entry.kind === "hard link" ? this.#linked(entry, layer) : nodeOf(entry, layer, ordinal);
    parent.children.set(last, node);
  }

  /**
   * All that lies below a folder, its paths relative to it; undefined if there is no such folder. A link that leads to an absolute path
   * within the folder is given as one that is relative. Throws IMAGE_INVALID if that is too much.
   */
  list(path: string): MergedEntry[] | undefined {
    const asked = splitPath(Buffer.from(path).toString("latin1"));
    const folder = this.#find(asked);
    if (folder === undefined) return undefined;
    const entries: MergedEntry[] = [];
    const bases = [asked, namesTo(folder)];
    const walk = (at: Folder, names: readonly string[]): void => {
      for (const [name, node] of at.children) {
        const below = [...names, name];
        this.#spend("steps", below.length);
        if (node.kind === "folder") {
          walk(node, below);
          continue;
        }
        const entry = entryOf(node, below, bases);
        this.#spend("pathBytes", entry.path.length);
        entries.push(entry);
      }
    };
    walk(folder, []);
    return entries;
  }

  #whiteOut(parent: Folder | undefined, name: string, layer: number): void {
    if (parent === undefined) return;
    if (name === OPAQUE) this.#removeLower(parent, layer);
    else if (!name.startsWith(WHITEOUT_META)) this.#removeLowerChild(parent, name.slice(WHITEOUT.length), layer);
  }

  /** Removes what lower layers brought; what a layer brings itself is not hidden by it. */
  #removeLower(folder: Folder, layer: number): void {
    for (const name of folder.children.keys()) this.#removeLowerChild(folder, name, layer);
  }

  #removeLowerChild(parent: Folder, name: string, layer: number): void {
    this.#spend("steps", 1);
    const child = parent.children.get(name);
    if (child === undefined) return;
    if (child.kind === "folder") this.#removeLower(child, layer);
    const isLeft = child.layer === layer || (child.kind === "folder" && child.children.size > 0);
    if (!isLeft) parent.children.delete(name);
  }

  #linked(entry: TarEntry, layer: number): Node {
    const names = this.#namesOf(entry.target.toString("latin1"));
    const last = names.pop() ?? "";
    const target = this.#find(names)?.children.get(last);
    if (target === undefined || target.kind === "folder") {
      throw this.#refused(`\`${shown(entry.name)}\` is a hard link to \`${shown(entry.target)}\`, which is not there`);
    }
    return { ...target, layer };
  }

  /** A path of an archive, which must not climb out. */
  #namesOf(path: string): string[] {
    const names: string[] = [];
    for (const name of splitPath(path)) {
      if (name !== "..") names.push(name);
      else if (names.pop() === undefined)
        throw this.#refused(`the path \`${shown(Buffer.from(path, "latin1"))}\` leads out of it`);
    }
    return names;
  }

  #find(names: readonly string[]): Folder | undefined {
    return this.#walk(names, () => undefined);
  }

  #make(names: readonly string[], layer: number): Folder {
    const made = this.#walk(names, (parent, name) => {
      this.#spend("entries", 1);
      return this.#addFolder(parent, name, layer);
    });
    if (made !== undefined) return made;
    throw this.#refused(
      `the path \`${shown(Buffer.from(names.join("/"), "latin1"))}\` leads through what is no folder`,
    );
  }

  #addFolder(parent: Folder, name: string, layer: number): Folder {
    const depth = parent.depth + 1;
    if (depth > MOST_DEPTH) throw this.#refused(`it has more than ${MOST_DEPTH} folders within each other`);
    const folder: Folder = { kind: "folder", name, parent, children: new Map(), depth, layer };
    parent.children.set(name, folder);
    return folder;
  }

  /** The folder at a path, whose links are followed; undefined if something on the way is none. */
  #walk(names: readonly string[], missing: (parent: Folder, name: string) => Folder | undefined): Folder | undefined {
    const left = names.toReversed();
    let at = this.#root;
    let hops = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      this.#spend("steps", 1);
      if (name === "..") {
        at = at.parent ?? at;
        continue;
      }
      const child = at.children.get(name) ?? missing(at, name);
      if (child === undefined || child.kind === "file" || child.kind === "other") return undefined;
      if (child.kind === "folder") {
        at = child;
        continue;
      }
      if (++hops > MOST_HOPS) return undefined;
      if (child.target.startsWith("/")) at = this.#root;
      left.push(...splitPath(child.target).reverse());
    }
    return at;
  }

  #spend(what: keyof TreeBounds, count: number): void {
    this.#left[what] -= count;
    if (this.#left[what] >= 0) return;
    throw this.#refused(
      {
        entries: "its layers have too many entries",
        pathBytes: "the paths in its layers are too long, all together",
        steps: "its layers lay too many links and folders over each other",
      }[what],
    );
  }

  #refused(cause: string): SteppeError {
    return new SteppeError("IMAGE_INVALID", { operation: "read the layers of", subject: this.#subject, cause });
  }
}

function nodeOf({ kind, size, target }: TarEntry, layer: number, ordinal: number): Node {
  if (kind === "file") return { kind, place: { layer, ordinal, size }, layer };
  if (kind === "link") return { kind, target: target.toString("latin1"), layer };
  return { kind: "other", layer };
}

function entryOf(node: File | Link | Other, names: readonly string[], bases: readonly string[][]): MergedEntry {
  const path = Buffer.from(names.join("/"), "latin1");
  if (node.kind === "file") return { path, kind: "file", place: node.place };
  if (node.kind === "other") return { path, kind: "other" };
  return { path, kind: "link", target: Buffer.from(relativeTarget(node.target, names.length - 1, bases), "latin1") };
}

/** @param depth how many folders of the base are above the link */
function relativeTarget(target: string, depth: number, bases: readonly string[][]): string {
  if (!target.startsWith("/")) return target;
  const names = splitPath(target);
  const base = bases.find((folders) => folders.every((name, i) => names[i] === name));
  if (base === undefined) return target;
  return [...Array.from({ length: depth }, () => ".."), ".", ...names.slice(base.length)].join("/");
}

function namesTo(folder: Folder): string[] {
  const names: string[] = [];
  for (let at = folder; at.parent !== undefined; at = at.parent) names.unshift(at.name);
  return names;
}

function splitPath(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function shown(path: Buffer): string {
  return JSON.stringify(path.subarray(0, 200).toString("latin1")).slice(1, -1);
}
