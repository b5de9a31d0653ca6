import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import { type SteppeError, toSteppeError } from "../shared/errors.ts";
import { encodePackIndex, PACK_HEADER, type PackItem } from "./pack-format.ts";

/** Written at once. Two of these are the memory that a writer takes. */
const BUFFER_BYTES = 1024 * 1024;

export interface FinishedPack {
  /** The file name in the folder of packs. */
  name: string;
  bytes: number;
}

/**
 * Writes one pack: `NAME.pack.tmp` while it grows, then all of it durable under its name. The file is made at the first byte.
 * Calls must not overlap. Failures are SteppeErrors (DISK_FULL, …); after one nothing is left on disk, and what is written
 * further throws it again.
 */
export class PackWriter {
  readonly #folder: string;
  readonly #name = `${randomBytes(12).toString("hex")}.pack`;
  #file: FileHandle | undefined;
  #buffers: Buffer[] = [];
  #used = 0;
  #written = 0;
  /** The write of the other buffer; resolves to the error if it failed. */
  #inFlight: Promise<unknown> | undefined;
  #failure: SteppeError | undefined;
  #ended = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where the next byte will lie. */
  get position(): number {
    return this.#file === undefined ? PACK_HEADER.length : this.#written + this.#used;
  }

  /** What went wrong, if anything did. */
  get failure(): SteppeError | undefined {
    return this.#failure;
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new Error("the pack is finished");
    try {
      if (this.#file === undefined) await this.#create();
      for (let taken = 0; taken < bytes.length;) {
        const part = bytes.subarray(taken, taken + BUFFER_BYTES - this.#used);
        this.#buffer.set(part, this.#used);
        this.#used += part.length;
        taken += part.length;
        if (this.#used === BUFFER_BYTES) await this.#flush();
      }
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** Gives up all bytes from `position` on. Does nothing after a failure, since there is nothing left. */
  async rewind(position: number): Promise<void> {
    if (this.#failure !== undefined || this.#file === undefined) return;
    try {
      if (position >= this.#written) {
        this.#used = position - this.#written;
        return;
      }
      await this.#awaitFlight();
      this.#written = position;
      this.#used = 0;
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** Writes the index and makes the pack durable under its name. */
  async finish(items: readonly PackItem[]): Promise<FinishedPack> {
    await this.append(encodePackIndex(items, this.position));
    const file = this.#file;
    if (file === undefined) throw new Error("an empty pack is not written");
    try {
      await this.#flush();
      await this.#awaitFlight();
      await file.truncate(this.#written);
      await file.sync();
      await file.close();
      await rename(this.#temporary, join(this.#folder, this.#name));
      syncFolder(this.#folder);
    } catch (error) {
      await this.#fail(error);
    }
    this.#end();
    return { name: this.#name, bytes: this.#written };
  }

  /** Leaves nothing. Does nothing after `finish`. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#end();
    const file = this.#file;
    if (file === undefined) return;
    await this.#inFlight;
    try {
      if (file.fd >= 0) await file.close(); // finish may have closed it
    } finally {
      await rm(this.#temporary, { force: true });
      await rm(join(this.#folder, this.#name), { force: true }); // renamed, and not synced
    }
  }

  get #temporary(): string {
    return join(this.#folder, `${this.#name}.tmp`);
  }

  get #buffer(): Buffer {
    const [buffer] = this.#buffers;
    if (buffer === undefined) throw new Error("the pack is not open");
    return buffer;
  }

  async #create(): Promise<void> {
    this.#file = await open(this.#temporary, "wx", 0o600);
    this.#buffers = [Buffer.allocUnsafeSlow(BUFFER_BYTES), Buffer.allocUnsafeSlow(BUFFER_BYTES)];
    this.#buffer.set(PACK_HEADER);
    this.#used = PACK_HEADER.length;
  }

  /** Starts to write the buffer, and goes on with the other one as soon as that has been written. */
  async #flush(): Promise<void> {
    await this.#awaitFlight();
    const file = this.#file;
    const [full, free] = this.#buffers;
    if (file === undefined || full === undefined || free === undefined) throw new Error("the pack is not open");
    this.#inFlight = writeAll(file, full.subarray(0, this.#used), this.#written).then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#written += this.#used;
    this.#used = 0;
    this.#buffers = [free, full];
  }

  async #awaitFlight(): Promise<void> {
    const error = await this.#inFlight;
    this.#inFlight = undefined;
    if (error !== undefined) throw error;
  }

  async #fail(error: unknown): Promise<never> {
    this.#failure = toSteppeError(error, "write", this.#folder);
    await this.discard();
    throw this.#failure;
  }

  #end(): void {
    this.#ended = true;
    this.#buffers = [];
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, offset, bytes.length - offset, position + offset);
    offset += bytesWritten;
  }
}
