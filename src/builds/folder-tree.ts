import { constants, type Dirent, type Stats } from "node:fs";
import { cp, type FileHandle, lstat, open, readdir, readlink, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { printablePath } from "./source-path.ts";
import type { SourceEntry, SourceTree } from "./source-tree.ts";

/** How many small files are read ahead. */
const AHEAD = 16;
/** Larger files are read in pieces of this size. */
const PIECE = 256 * 1024;
const MOST_FILES = 1_000_000;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Without blocking, should what was a file be a pipe by now. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A folder on disk, such as a build's output or an upload, as the source of a site. Nothing outside of it is ever read, whatever
 * links there are and however they change meanwhile: each file is opened without following a link, and where it really
 * lies is asked of the kernel.
 *
 * @param root the folder
 * @param label what to call it in messages: `blog@v2`
 */
export function folderTree(root: string, label: string): SourceTree {
  return new FolderTree(root, label);
}

class FolderTree implements SourceTree {
  readonly label: string;
  readonly #root: string;
  /** Where the entries of a list begin: they are read from where they were found. */
  readonly #bases = new WeakMap<SourceEntry, Buffer>();

  constructor(root: string, label: string) {
    this.#root = root;
    this.label = label;
  }

  /** Throws FOLDER_MISSING, LINK_OUTSIDE, FILE_UNSUPPORTED. */
  async list(folder: string): Promise<SourceEntry[]> {
    const base = await this.#base(folder);
    const entries: SourceEntry[] = [];
    await this.#listFolder(base, Buffer.alloc(0), entries);
    for (const entry of entries) this.#bases.set(entry, base);
    return entries;
  }

  async *read(
    entries: readonly SourceEntry[],
  ): AsyncGenerator<{ entry: SourceEntry; content: AsyncIterable<Uint8Array> }> {
    const ahead: Array<Promise<AsyncIterable<Uint8Array>>> = [];
    let next = 0;
    try {
      for (const entry of entries) {
        for (; next < entries.length && ahead.length < AHEAD; next++) {
          const content = this.#content(entries[next] as SourceEntry);
          content.catch(() => {}); // thrown when its turn comes
          ahead.push(content);
        }
        const content = await ahead.shift();
        if (content !== undefined) yield { entry, content };
      }
    } finally {
      await Promise.allSettled(ahead);
    }
  }

  async checkout(into: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      await cp(this.#root, into, { recursive: true, verbatimSymlinks: true, errorOnExist: false });
    } catch (error) {
      throw toSteppeError(error, "copy", this.label);
    }
  }

  /** Where a folder of the tree really is; links within the tree are fine. */
  async #base(folder: string): Promise<Buffer> {
    let base: string;
    let root: string;
    try {
      root = await realpath(this.#root);
      base = await realpath(join(root, folder));
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(errno(error) ?? "")) throw toSteppeError(error, "read", this.label);
      throw this.#missing(folder);
    }
    if (base !== root && !base.startsWith(root + sep)) {
      const cause = `the folder \`${folder}\` leads out, to \`${base}\``;
      throw new SteppeError("LINK_OUTSIDE", { operation: "read", subject: this.label, cause });
    }
    if (!(await lstat(base)).isDirectory()) throw this.#missing(folder);
    return Buffer.from(base);
  }

  async #listFolder(base: Buffer, path: Buffer, entries: SourceEntry[]): Promise<void> {
    await using handle = await this.#open(base, path, FOLDER);
    const here = Buffer.from(`/proc/self/fd/${handle.fd}/`);
    const found: Array<Dirent<Buffer>> = await readdir(here, { withFileTypes: true, encoding: "buffer" });
    found.sort((a, b) => a.name.compare(b.name));
    for (let at = 0; at < found.length; at += AHEAD) {
      const some = found.slice(at, at + AHEAD).filter((one) => one.name.toString("latin1") !== ".git");
      const stats = await Promise.all(some.map((one) => lstat(Buffer.concat([here, one.name]))));
      for (const [index, one] of some.entries()) {
        const stat = stats[index] as Stats;
        const childPath = path.length === 0 ? one.name : Buffer.concat([path, Buffer.from("/"), one.name]);
        if (stat.isDirectory()) await this.#listFolder(base, childPath, entries);
        else entries.push({ path: childPath, kind: kindOf(stat), size: stat.size, oid: null });
      }
      if (entries.length > MOST_FILES) {
        const cause = `it holds more than ${MOST_FILES} files`;
        throw new SteppeError("FILE_UNSUPPORTED", { operation: "read", subject: this.label, cause });
      }
    }
  }

  /** A small file is read at once; a larger one, when its turn comes. */
  async #content(entry: SourceEntry): Promise<AsyncIterable<Uint8Array>> {
    const base = this.#bases.get(entry);
    if (base === undefined) throw new TypeError("not an entry of this tree");
    if (entry.kind === "link") {
      const target = await readlink(Buffer.concat([base, Buffer.from("/"), entry.path]), { encoding: "buffer" });
      return pieces([target]);
    }
    if (entry.size > PIECE) return this.#stream(base, entry);
    await using handle = await this.#open(base, entry.path, FILE);
    return pieces([await handle.readFile()]);
  }

  async *#stream(base: Buffer, entry: SourceEntry): AsyncGenerator<Uint8Array> {
    await using handle = await this.#open(base, entry.path, FILE);
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(PIECE), 0, PIECE, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Opens what lies at this path within `base`, and not anything that a link in the path, or in its place, leads to. */
  async #open(base: Buffer, path: Buffer, flags: number): Promise<FileHandle> {
    const expected = path.length === 0 ? base : Buffer.concat([base, Buffer.from("/"), path]);
    let handle: FileHandle;
    try {
      handle = await open(expected, flags);
    } catch (error) {
      throw errno(error) === "ELOOP" ? this.#moved(path) : toSteppeError(error, "read", this.label);
    }
    const real = await readlink(`/proc/self/fd/${handle.fd}`, { encoding: "buffer" });
    const right = flags === FOLDER || (await handle.stat()).isFile();
    if (real.equals(expected) && right) return handle;
    await handle.close();
    throw this.#moved(path);
  }

  #moved(path: Buffer): SteppeError {
    const cause = `\`${printablePath(path)}\` was replaced while it was read`;
    return new SteppeError("FILE_UNSUPPORTED", {
      operation: "read",
      subject: this.label,
      cause,
      hint: "Deploy it again.",
    });
  }

  #missing(folder: string): SteppeError {
    const cause = `there is no folder \`${folder}\``;
    return new SteppeError("FOLDER_MISSING", { operation: "read", subject: this.label, cause });
  }
}

function kindOf(stat: Stats): SourceEntry["kind"] {
  if (stat.isFile()) return "file";
  return stat.isSymbolicLink() ? "link" : "other";
}

async function* pieces(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}
