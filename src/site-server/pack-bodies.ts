import { close, open, read } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PackRange } from "./file-answerer.ts";

const openFile = promisify(open);
const readFile = promisify(read);

export interface PackBodiesOptions {
  packFolder: string;
  /** How many bytes of small bodies are kept in memory. Default 8 MiB. */
  cacheBytes?: number;
  /** Up to this size, in bytes, a body is small. Default 64 KiB. */
  smallBytes?: number;
  /** A pack that nobody read for so long, in milliseconds, is closed: its disk space may be waiting for it. Default 30 s. */
  idleMs?: number;
}

interface OpenPack {
  /** Of the open file. */
  fd: Promise<number>;
  users: number;
  usedAt: number;
}

/**
 * Reads bodies out of packs. Small ones are kept in a cache of bounded size, the least recently used go first;
 * packs are opened on first use and closed when idle. Packs never change, so nothing here is ever out of date.
 */
export class PackBodies {
  readonly smallBytes: number;
  readonly #options: Required<PackBodiesOptions>;
  readonly #cache = new Map<string, Buffer>();
  #cached = 0;
  readonly #packs = new Map<string, OpenPack>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: PackBodiesOptions) {
    this.#options = { cacheBytes: 8 << 20, smallBytes: 64 << 10, idleMs: 30_000, ...options };
    this.smallBytes = this.#options.smallBytes;
  }

  /** A body that is in memory already, or undefined. */
  cached(range: PackRange): Buffer | undefined {
    const key = cacheKey(range);
    const body = this.#cache.get(key);
    if (body === undefined) return undefined;
    this.#cache.delete(key); // and to the end again: a Map keeps the order of insertion
    this.#cache.set(key, body);
    return body;
  }

  /** Reads a small body and keeps it. Rejects if the pack has fewer bytes, or with the system's error. */
  async readSmall(range: PackRange): Promise<Buffer> {
    const body = Buffer.allocUnsafeSlow(range.size); // not from the shared pool: it would keep 8 KiB alive for a byte
    await this.#use(range.pack, (fd) => readFully(fd, body, range.offset, range.pack));
    this.#keep(cacheKey(range), body);
    return body;
  }

  /** A body in chunks, read as they are taken; the pack stays open until the end. */
  async *chunks(range: PackRange, chunkBytes = 128 << 10): AsyncGenerator<Buffer> {
    const pack = this.#acquire(range.pack);
    try {
      const fd = await pack.fd;
      const end = range.offset + range.size;
      for (let offset = range.offset; offset < end;) {
        const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - offset));
        await readFully(fd, chunk, offset, range.pack);
        yield chunk;
        offset += chunk.length;
      }
    } finally {
      this.#release(pack);
    }
  }

  /** Closes packs that nobody reads. Those in use are closed after their last reader by the idle sweep. */
  closeIdle(idleMs = 0): void {
    const before = performance.now() - idleMs;
    for (const [name, pack] of this.#packs) {
      if (pack.users > 0 || pack.usedAt > before) continue;
      this.#packs.delete(name);
      pack.fd.then(
        (fd) => close(fd),
        () => {}, // it was never open; whoever asked for it was told
      );
    }
    if (this.#packs.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  async #use(name: string, work: (fd: number) => Promise<void>): Promise<void> {
    const pack = this.#acquire(name);
    try {
      await work(await pack.fd);
    } finally {
      this.#release(pack);
    }
  }

  #acquire(name: string): OpenPack {
    let pack = this.#packs.get(name);
    if (pack === undefined) {
      const fd = openFile(join(this.#options.packFolder, name), "r");
      pack = { fd, users: 0, usedAt: performance.now() };
      this.#packs.set(name, pack);
      fd.catch(() => this.#packs.delete(name)); // so that the next request tries again
      this.#sweeper ??= setInterval(() => this.closeIdle(this.#options.idleMs), this.#options.idleMs).unref();
    }
    pack.users++;
    return pack;
  }

  #release(pack: OpenPack): void {
    pack.users--;
    pack.usedAt = performance.now();
  }

  #keep(key: string, body: Buffer): void {
    if (this.#cache.has(key)) return; // two requests read it at once
    this.#cache.set(key, body);
    this.#cached += body.length;
    for (const [oldest, old] of this.#cache) {
      if (this.#cached <= this.#options.cacheBytes) break;
      this.#cache.delete(oldest);
      this.#cached -= old.length;
    }
  }
}

function cacheKey(range: PackRange): string {
  return `${range.pack}:${range.offset}:${range.size}`;
}

async function readFully(fd: number, into: Buffer, position: number, pack: string): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await readFile(fd, into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error(`pack ${pack} ends at ${position + done}, ${into.length - done} bytes short`);
    done += bytesRead;
  }
}
