import { type BigIntStats, close, fstat, open, read } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { errno } from "../shared/errors.ts";

const openFile = promisify(open);
const readFile = promisify(read);
const statFile: (fd: number, options: { bigint: true }) => Promise<BigIntStats> = promisify(fstat);

/** Bytes within a file of the folder that bodies lie in: a pack, or a file of a site. */
export interface BodyRange {
  /** The file's path, relative to the folder. */
  file: string;
  offset: number;
  /** Bytes. */
  size: number;
}

export interface FileBodiesOptions {
  /** Where the files lie. They must not change while this is used, unless `isCurrent` tells. */
  folder: string;
  /** Whether a file, of which something was just read, is still what it was. Default: all are. */
  isCurrent?: (file: string, found: BigIntStats) => boolean;
  /** How many bytes of small bodies are kept in memory. Default 8 MiB. */
  cacheBytes?: number;
  /** Up to this size, in bytes, a body is small. Default 128 KiB. */
  smallBytes?: number;
  /** So much of a large body, in bytes, is read at once, if few are read. Default 512 KiB. */
  chunkBytes?: number;
  /** A file that nobody read for so long, in milliseconds, is closed: its disk space may be waiting for it. Default 30 s. */
  idleMs?: number;
}

/** Bytes of large bodies in memory, of all readers together, who may all be slow: the less is left, the less each gets at once … */
const ALL_CHUNKS = 32 << 20;
/** … which is at most this part of what is left … */
const SHARE = 1 / 8;
/** … but not less than this. */
const LEAST_CHUNK = 16 << 10;

/** Of a folder of many files, so many are kept open; more are open only while they are read. */
const MOST_OPEN = 128;

interface OpenFile {
  /** Of the open file. */
  fd: Promise<number>;
  users: number;
  usedAt: number;
}

/** A file is not what it was when it was looked at. */
export class FileChanged extends Error {
  override readonly name = "FileChanged";
}

/** A small body in memory. */
export class CachedBody {
  readonly bytes: Buffer;
  /** Somebody asked for it since it was last looked at whether it may go. */
  wasUsed = false;
  /** It is not kept any more. */
  isGone = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/**
 * Reads bodies out of files. Small ones are kept in a cache of bounded size, from which those go that nobody asked for since the
 * last time round; files are opened on first use and closed when idle.
 */
export class FileBodies {
  readonly smallBytes: number;
  readonly #options: Required<Omit<FileBodiesOptions, "isCurrent">> & FileBodiesOptions;
  readonly #cache = new Map<string, CachedBody>();
  #cached = 0;
  /** Bytes of large bodies in memory. */
  #held = 0;
  readonly #files = new Map<string, OpenFile>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: FileBodiesOptions) {
    this.#options = { cacheBytes: 8 << 20, smallBytes: 128 << 10, chunkBytes: 512 << 10, idleMs: 30_000, ...options };
    this.smallBytes = this.#options.smallBytes;
  }

  /** A body that is in memory already, or undefined. */
  cached(range: BodyRange): CachedBody | undefined {
    const body = this.#cache.get(cacheKey(range));
    if (body !== undefined) body.wasUsed = true;
    return body;
  }

  /** Reads a small body and keeps it. Rejects if the file has fewer bytes or is not current, or with the system's error. */
  async readSmall(range: BodyRange): Promise<CachedBody> {
    const bytes = Buffer.allocUnsafeSlow(range.size); // not from the shared pool: it would keep 8 KiB alive for a byte
    await this.#use(range.file, (fd) => readFully(fd, bytes, range.offset, range.file));
    return this.#keep(cacheKey(range), bytes);
  }

  /**
   * A body in chunks, read as they are taken; the file stays open until the end. All lie in the same memory, since fresh memory for each costs more than
   * reading it: a chunk is good until the next is asked for.
   */
  async *chunks(range: BodyRange): AsyncGenerator<Buffer> {
    const file = this.#acquire(range.file);
    let room: Buffer = Buffer.allocUnsafeSlow(0);
    try {
      const fd = await file.fd;
      const end = range.offset + range.size;
      for (let offset = range.offset; offset < end;) {
        room = this.#roomFor(range.size, room);
        const chunk = room.subarray(0, end - offset);
        await readFully(fd, chunk, offset, range.file);
        await this.#checkCurrent(fd, range.file);
        yield chunk;
        offset += chunk.length;
      }
    } finally {
      this.#held -= room.length;
      this.#release(file);
    }
  }

  /** Memory for the next chunk of a body of so many bytes: what its reader had, if that is as much as it gets now. */
  #roomFor(bytes: number, before: Buffer): Buffer {
    const left = (ALL_CHUNKS - this.#held + before.length) * SHARE;
    // By powers of two, so that it changes seldom.
    const share = 2 ** Math.floor(Math.log2(Math.max(left, LEAST_CHUNK)));
    const length = Math.min(bytes, this.#options.chunkBytes, share);
    if (length === before.length) return before;
    this.#held += length - before.length;
    return Buffer.allocUnsafeSlow(length);
  }

  /** Closes files that nobody reads. Those in use are closed after their last reader by the idle sweep. */
  closeIdle(idleMs = 0): void {
    const before = performance.now() - idleMs;
    for (const [name, file] of this.#files) {
      if (file.users > 0 || file.usedAt > before) continue;
      this.#files.delete(name);
      file.fd.then(
        (fd) => close(fd),
        () => {}, // it was never open; whoever asked for it was told
      );
    }
    if (this.#files.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  async #use(name: string, work: (fd: number) => Promise<void>): Promise<void> {
    const file = this.#acquire(name);
    try {
      const fd = await file.fd;
      await work(fd);
      await this.#checkCurrent(fd, name);
    } finally {
      this.#release(file);
    }
  }

  /** After reading: what was written before or meanwhile has left its mark then. */
  async #checkCurrent(fd: number, name: string): Promise<void> {
    const { isCurrent } = this.#options;
    if (isCurrent === undefined || isCurrent(name, await statFile(fd, { bigint: true }))) return;
    throw new FileChanged(`${name} has changed since the folder was looked at`);
  }

  #acquire(name: string): OpenFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      if (this.#files.size >= MOST_OPEN) this.closeIdle();
      const fd = openExisting(join(this.#options.folder, name));
      file = { fd, users: 0, usedAt: performance.now() };
      this.#files.set(name, file);
      fd.catch(() => this.#files.delete(name)); // so that the next request tries again
      this.#sweeper ??= setInterval(() => this.closeIdle(this.#options.idleMs), this.#options.idleMs).unref();
    }
    file.users++;
    return file;
  }

  #release(file: OpenFile): void {
    file.users--;
    file.usedAt = performance.now();
  }

  #keep(key: string, bytes: Buffer): CachedBody {
    const before = this.#cache.get(key);
    if (before !== undefined) return before; // two requests read it at once
    const body = new CachedBody(bytes);
    this.#cache.set(key, body);
    this.#cached += bytes.length;
    for (const [oldest, old] of this.#cache) {
      if (this.#cached <= this.#options.cacheBytes) break;
      this.#cache.delete(oldest);
      if (old.wasUsed) {
        old.wasUsed = false;
        this.#cache.set(oldest, old); // another round; a Map keeps the order of insertion
      } else {
        old.isGone = true;
        this.#cached -= old.bytes.length;
      }
    }
    return body;
  }
}

function cacheKey(range: BodyRange): string {
  return `${range.file}:${range.offset}:${range.size}`;
}

async function openExisting(path: string): Promise<number> {
  try {
    return await openFile(path, "r");
  } catch (error) {
    const isGone = error instanceof Error && ["ENOENT", "ENOTDIR"].includes(errno(error) ?? "");
    throw isGone ? new FileChanged(error.message, { cause: error }) : error;
  }
}

async function readFully(fd: number, into: Buffer, position: number, file: string): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await readFile(fd, into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new FileChanged(`${file} ends at ${position + done}, ${into.length - done} bytes short`);
    done += bytesRead;
  }
}
