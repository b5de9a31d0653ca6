import { closeSync, openSync, read } from "node:fs";
import { join } from "node:path";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Location } from "./types.ts";

/** A pack that stays readable until it is disposed of, even if its file is removed meanwhile. */
export interface OpenPack extends Disposable {
  /** Reads until `into` is full. Throws CONTENT_CORRUPT if the pack ends before. */
  read(into: Uint8Array, offset: number): Promise<void>;
}

interface Descriptor {
  fd: number;
  users: number;
  /** Whether the cache still holds it; if not, the last user closes it. */
  kept: boolean;
}

/** How many descriptors are kept open for later reads. */
const KEPT_DESCRIPTORS = 64;
/** Linux reads less than 2 GiB at once. */
const MOST_AT_ONCE = 2 ** 30;

/** Reads packs through descriptors that are kept open, the least recently used closed first. */
export class OpenPacks {
  readonly #folder: string;
  readonly #limit: number;
  /** In the order of use. */
  readonly #descriptors = new Map<string, Descriptor>();

  constructor(folder: string, limit = KEPT_DESCRIPTORS) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /** Throws CONTENT_CORRUPT if the pack is not there. Synchronous: no removal can come between a look-up and this. */
  open(pack: string): OpenPack {
    const descriptor = this.#descriptor(pack);
    descriptor.users++;
    let open = true;
    return {
      read: (into, offset) => readFully(descriptor.fd, into, offset, pack),
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        descriptor.users--;
        if (descriptor.users === 0 && !descriptor.kept) closeSync(descriptor.fd);
      },
    };
  }

  async read({ pack, offset, size }: Location): Promise<Buffer> {
    using open = this.open(pack);
    const buffer = Buffer.allocUnsafe(size);
    await open.read(buffer, offset);
    return buffer;
  }

  /** Lets go of packs that were removed. */
  forget(packs: Iterable<string>): void {
    for (const pack of packs) this.#drop(pack);
  }

  close(): void {
    this.forget([...this.#descriptors.keys()]);
  }

  #descriptor(pack: string): Descriptor {
    const known = this.#descriptors.get(pack);
    if (known !== undefined) {
      this.#descriptors.delete(pack);
      this.#descriptors.set(pack, known);
      return known;
    }
    const descriptor: Descriptor = { fd: openPack(join(this.#folder, pack)), users: 0, kept: true };
    this.#descriptors.set(pack, descriptor);
    for (const oldest of this.#descriptors.keys()) {
      if (this.#descriptors.size <= this.#limit || oldest === pack) break;
      this.#drop(oldest);
    }
    return descriptor;
  }

  #drop(pack: string): void {
    const descriptor = this.#descriptors.get(pack);
    if (descriptor === undefined) return;
    this.#descriptors.delete(pack);
    descriptor.kept = false;
    if (descriptor.users === 0) closeSync(descriptor.fd);
  }
}

function openPack(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
    const parts = { operation: "read", subject: path, cause: "the pack is not there" };
    throw new SteppeError("CONTENT_CORRUPT", parts, { cause: error });
  }
}

function readFully(fd: number, into: Uint8Array, offset: number, pack: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let done = 0;
  const next = (): void => {
    read(fd, into, done, Math.min(into.length - done, MOST_AT_ONCE), offset + done, (error, count) => {
      if (error !== null) return reject(error);
      done += count;
      if (done === into.length) return resolve();
      if (count > 0) return next();
      const cause = `it ends at ${offset + done}, before the ${offset + into.length} bytes that it should have`;
      reject(new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: pack, cause }));
    });
  };
  if (into.length === 0) resolve();
  else next();
  return promise;
}
