import { createHash, hash as digest } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import { toSteppeError } from "../shared/errors.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import type { PackItem } from "./pack-format.ts";
import { type FinishedPack, PackWriter } from "./pack-writer.ts";
import type { FileBatch, StoredFile } from "./types.ts";

/** A stream that ends within this many bytes is kept in memory and added whole. */
const STREAM_BUFFER_BYTES = 256 * 1024;

/** What a batch needs of the store. */
export interface BatchTarget {
  packFolder: string;
  has(hash: Uint8Array): boolean;
  /** Makes the pack and its files visible in one transaction. False if all of it came too late: the pack is not needed. */
  register(pack: FinishedPack, items: readonly PackItem[]): boolean;
}

/**
 * New files on their way into one pack. Calls may overlap; they are done in the order in which they came. After a failure to
 * write nothing is left on disk, and every further call but `abort` throws the same error.
 */
export class PackedFileBatch implements FileBatch {
  readonly #target: BatchTarget;
  readonly #writer: PackWriter;
  readonly #hold: Disposable;
  readonly #order = new SerialQueue();
  /** By the hash as a binary string: a key of 32 characters without a copy in hexadecimal. */
  readonly #items = new Map<string, PackItem>();
  #open = true;

  /** `hold` keeps what this batch found in the store from being collected; it is let go when the batch ends. */
  constructor(target: BatchTarget, hold: Disposable) {
    this.#target = target;
    this.#writer = new PackWriter(target.packFolder);
    this.#hold = hold;
  }

  add(content: Uint8Array): Promise<StoredFile> {
    return this.#order.run(() => this.#addWhole(content));
  }

  addStream(content: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    return this.#order.run(async () => {
      this.#mustBeOpen();
      const iterator = content[Symbol.asyncIterator]();
      const head: Uint8Array[] = [];
      for (let size = 0; size <= STREAM_BUFFER_BYTES;) {
        const next = await iterator.next();
        if (next.done === true) return this.#addWhole(Buffer.concat(head, size));
        head.push(next.value);
        size += next.value.length;
      }
      return this.#addLarge(head, iterator);
    });
  }

  commit(): Promise<void> {
    return this.#order.run(async () => {
      this.#mustBeOpen();
      this.#open = false;
      try {
        if (this.#writer.failure !== undefined) throw this.#writer.failure;
        if (this.#items.size > 0) await this.#finish([...this.#items.values()]);
        else await this.#writer.discard();
      } finally {
        this.#items.clear();
        this.#hold[Symbol.dispose]();
      }
    });
  }

  abort(): Promise<void> {
    return this.#order.run(async () => {
      if (!this.#open) return;
      this.#open = false;
      this.#items.clear();
      this.#hold[Symbol.dispose]();
      await this.#writer.discard();
    });
  }

  async #addWhole(content: Uint8Array): Promise<StoredFile> {
    this.#mustBeOpen();
    const hash = digest("sha256", content, "buffer");
    if (!this.#knows(hash)) {
      const offset = this.#writer.position;
      await this.#writer.append(content);
      this.#note(hash, offset, content.length);
    }
    return { hash, size: content.length };
  }

  /** Writes while it hashes, and gives the bytes up again if the store turns out to have them, or the source fails. */
  async #addLarge(head: Uint8Array[], rest: AsyncIterator<Uint8Array>): Promise<StoredFile> {
    const offset = this.#writer.position;
    const hashing = createHash("sha256");
    let size = 0;
    const take = async (chunk: Uint8Array): Promise<void> => {
      hashing.update(chunk);
      size += chunk.length;
      await this.#writer.append(chunk);
    };
    try {
      for (const chunk of head) await take(chunk);
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) await take(next.value);
    } catch (error) {
      await rest.return?.();
      await this.#writer.rewind(offset);
      throw error;
    }
    const hash = hashing.digest();
    if (this.#knows(hash)) await this.#writer.rewind(offset);
    else this.#note(hash, offset, size);
    return { hash, size };
  }

  #knows(hash: Buffer): boolean {
    return this.#items.has(hash.toString("latin1")) || this.#target.has(hash);
  }

  #note(hash: Buffer, offset: number, size: number): void {
    this.#items.set(hash.toString("latin1"), { hash, offset, size, encoder: null });
  }

  async #finish(items: readonly PackItem[]): Promise<void> {
    const pack = await this.#writer.finish(items);
    let needed = false;
    try {
      needed = this.#target.register(pack, items);
    } catch (error) {
      throw toSteppeError(error, "register", `pack ${pack.name}`);
    } finally {
      if (!needed) {
        await rm(join(this.#target.packFolder, pack.name), { force: true });
        syncFolder(this.#target.packFolder);
      }
    }
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error("the batch has ended");
  }
}
