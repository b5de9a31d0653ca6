import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { cp, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { printablePath } from "./source-path.ts";
import type { SourceEntry, SourceTree } from "./source-tree.ts";
import { statName, StatNames } from "./stat-names.ts";

/** After so many files that are read, or looked at, others get their turn. */
const AT_ONCE = 32;
const LISTED_AT_ONCE = 1000;
/** Larger files are read in pieces of this size. */
const PIECE = 256 * 1024;
const MOST_FILES = 1_000_000;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const SLASH = Buffer.from("/");
const readPiece = promisify(read);
/** Without blocking, should what was a file be a pipe by now. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface FolderTreeOptions {
  /**
   * The time, milliseconds since 1970. With it, contents have names (`oid`) of what the kernel says of their files, but for those that were changed just before. A file
   * that has a name, and is not what was listed when it is read, is an error.
   */
  now?: number;
}

/**
 * A folder on disk, such as a build's output or an upload, as the source of a site. Nothing outside of it is ever read, whatever
 * links there are and however they change meanwhile: each file is opened without following a link, and where it really
 * lies is asked of the kernel.
 *
 * @param root the folder
 * @param label what to call it in messages: `blog@v2`
 */
export function folderTree(root: string, label: string, { now }: FolderTreeOptions = {}): SourceTree {
  return new FolderTree(root, label, now === undefined ? null : new StatNames(now));
}

class FolderTree implements SourceTree {
  readonly label: string;
  readonly #root: string;
  readonly #names: StatNames | null;
  /** Where the entries of a list begin: they are read from where they were found. */
  readonly #bases = new WeakMap<SourceEntry, Buffer>();

  constructor(root: string, label: string, names: StatNames | null) {
    this.#root = root;
    this.label = label;
    this.#names = names;
  }

  /** Throws FOLDER_MISSING, LINK_OUTSIDE, FILE_UNSUPPORTED. */
  async list(folder: string): Promise<SourceEntry[]> {
    const base = await this.#base(folder);
    const entries: SourceEntry[] = [];
    await this.#listFolder(base, Buffer.alloc(0), entries);
    for (const entry of entries) this.#bases.set(entry, base);
    return entries;
  }

  async hasFile(name: string): Promise<boolean> {
    const stat = lstatSync(join(this.#root, name), { throwIfNoEntry: false });
    return stat !== undefined && (stat.isFile() || stat.isSymbolicLink());
  }

  async *read(
    entries: readonly SourceEntry[],
  ): AsyncGenerator<{ entry: SourceEntry; content: AsyncIterable<Uint8Array> }> {
    let before = 0;
    for (const entry of entries) {
      if (++before % AT_ONCE === 0) await setImmediate();
      yield { entry, content: this.#content(entry) };
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
    if (!lstatSync(base).isDirectory()) throw this.#missing(folder);
    return Buffer.from(base);
  }

  async #listFolder(base: Buffer, path: Buffer, entries: SourceEntry[]): Promise<void> {
    await setImmediate();
    const folder = this.#open(base, path, FOLDER);
    try {
      const here = Buffer.from(`/proc/self/fd/${folder}/`);
      const device = this.#names?.deviceOf(folder) ?? null;
      const names = readdirSync(here, { encoding: "buffer" }).filter((name) => name.toString("latin1") !== ".git");
      for (const [index, name] of names.sort((a, b) => a.compare(b)).entries()) {
        if (index % LISTED_AT_ONCE === LISTED_AT_ONCE - 1) await setImmediate();
        const stat = lstatSync(Buffer.concat([here, name]), { bigint: device !== null });
        const child = path.length === 0 ? name : Buffer.concat([path, SLASH, name]);
        if (stat.isDirectory()) await this.#listFolder(base, child, entries);
        else
          entries.push({ path: child, kind: kindOf(stat), size: Number(stat.size), oid: this.#nameOf(stat, device) });
      }
    } catch (error) {
      throw toSteppeError(error, "read", this.label);
    } finally {
      closeSync(folder);
    }
    if (entries.length > MOST_FILES) {
      const cause = `it holds more than ${MOST_FILES} files`;
      throw new SteppeError("FILE_UNSUPPORTED", { operation: "read", subject: this.label, cause });
    }
  }

  #nameOf(stat: Stats | BigIntStats, device: bigint | null): Buffer | null {
    return this.#names !== null && device !== null && "ctimeNs" in stat ? this.#names.nameOf(stat, device) : null;
  }

  /**
   * Small files are read at once: handing each of its five calls to another thread takes twenty times as long as the calls.
   */
  async *#content(entry: SourceEntry): AsyncGenerator<Uint8Array> {
    const base = this.#bases.get(entry);
    if (base === undefined) throw new TypeError("not an entry of this tree");
    if (entry.kind === "link") {
      yield this.#readLink(base, entry);
      return;
    }
    const file = this.#open(base, entry.path, FILE);
    try {
      if (entry.oid?.equals(statName(fstatSync(file, { bigint: true }))) === false) throw this.#moved(entry.path);
      if (entry.size <= PIECE) yield readFileSync(file);
      else yield* readPieces(file);
    } catch (error) {
      throw toSteppeError(error, "read", this.label);
    } finally {
      closeSync(file);
    }
  }

  /** The folder that holds it is opened first, so that the link that is read is the one that was found. */
  #readLink(base: Buffer, entry: SourceEntry): Buffer {
    const slash = entry.path.lastIndexOf("/");
    const folder = this.#open(base, entry.path.subarray(0, Math.max(slash, 0)), FOLDER);
    try {
      return readlinkSync(Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), entry.path.subarray(slash + 1)]), {
        encoding: "buffer",
      });
    } catch (error) {
      throw ["EINVAL", "ENOENT"].includes(errno(error) ?? "")
        ? this.#moved(entry.path)
        : toSteppeError(error, "read", this.label);
    } finally {
      closeSync(folder);
    }
  }

  /** Opens what lies at this path within `base`, and not anything that a link in the path, or in its place, leads to. */
  #open(base: Buffer, path: Buffer, flags: number): number {
    const expected = path.length === 0 ? base : Buffer.concat([base, SLASH, path]);
    let fd: number;
    try {
      fd = openSync(expected, flags);
    } catch (error) {
      const isOther = ["ELOOP", "ENOTDIR", "ENOENT"].includes(errno(error) ?? "");
      throw isOther ? this.#moved(path) : toSteppeError(error, "read", this.label);
    }
    const real = readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" });
    if (real.equals(expected) && (flags === FOLDER || fstatSync(fd).isFile())) return fd;
    closeSync(fd);
    throw this.#moved(path);
  }

  #moved(path: Buffer): SteppeError {
    const cause = `\`${printablePath(path)}\` was replaced or changed while it was read`;
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

function kindOf(stat: Stats | BigIntStats): SourceEntry["kind"] {
  if (stat.isFile()) return "file";
  return stat.isSymbolicLink() ? "link" : "other";
}

async function* readPieces(file: number): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await readPiece(file, Buffer.allocUnsafe(PIECE), 0, PIECE, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
