import { mkdtempSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toSteppeError } from "../../shared/errors.ts";

/** What a spool keeps: pieces in memory, or places in its file. */
export interface Kept {
  /** Bytes. */
  size: number;
  pieces: ReadonlyArray<Uint8Array | { offset: number; length: number }>;
}

/** More of a site and of its layers than this lies in a temporary file. */
const MOST_IN_MEMORY = 96 * 1024 ** 2;
/** The file is read in pieces of this size. */
const PIECE = 256 * 1024;

/**
 * Bytes that are read again until it is disposed of: up to a bound in memory, and beyond it in a temporary file that has no name, so that it
 * is gone with the process however that ends.
 */
export class ByteSpool implements AsyncDisposable {
  readonly #mostInMemory: number;
  #inMemory = 0;
  #file: Promise<FileHandle> | undefined;
  #end = 0;

  /** @param mostInMemory bytes */
  constructor(mostInMemory: number = MOST_IN_MEMORY) {
    this.#mostInMemory = mostInMemory;
  }

  /** Keeps what comes; the chunks are the spool's from then on. Throws DISK_FULL, and what `chunks` throws. */
  async keep(chunks: AsyncIterable<Uint8Array>): Promise<Kept> {
    const pieces: Array<Uint8Array | { offset: number; length: number }> = [];
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      pieces.push(
        this.#inMemory + chunk.length <= this.#mostInMemory ? this.#remember(chunk) : await this.#write(chunk),
      );
    }
    return { size, pieces };
  }

  /** As `keep`, of one chunk. */
  async keepOne(chunk: Uint8Array): Promise<Kept> {
    const fits = this.#inMemory + chunk.length <= this.#mostInMemory;
    return { size: chunk.length, pieces: [fits ? this.#remember(chunk) : await this.#write(chunk)] };
  }

  /** What was kept; at once, if all of it is in memory. */
  content(kept: Kept): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return kept.pieces.every((piece) => piece instanceof Uint8Array) ? kept.pieces : this.read(kept);
  }

  /** What was kept. */
  async *read({ pieces }: Kept): AsyncGenerator<Buffer, void, void> {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      else yield* this.#readBack(piece);
    }
  }

  /** All of it at once. */
  async whole(kept: Kept): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.read(kept)) chunks.push(chunk);
    const [only] = chunks;
    return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, kept.size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#file)?.close();
  }

  #remember(chunk: Uint8Array): Uint8Array {
    this.#inMemory += chunk.length;
    return chunk;
  }

  async #write(chunk: Uint8Array): Promise<{ offset: number; length: number }> {
    const offset = this.#end;
    this.#end += chunk.length;
    try {
      const file = await (this.#file ??= openNameless());
      for (let done = 0; done < chunk.length;) {
        done += (await file.write(chunk, done, chunk.length - done, offset + done)).bytesWritten;
      }
    } catch (error) {
      throw toSteppeError(error, "write", `a temporary file in ${tmpdir()}`);
    }
    return { offset, length: chunk.length };
  }

  async *#readBack({ offset, length }: { offset: number; length: number }): AsyncGenerator<Buffer, void, void> {
    const file = await this.#file;
    for (let done = 0; file !== undefined && done < length;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(PIECE, length - done)), {
        position: offset + done,
      });
      if (bytesRead === 0) throw new Error("a temporary file has become shorter");
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
}

async function openNameless(): Promise<FileHandle> {
  const folder = mkdtempSync(join(tmpdir(), "steppe-build-"));
  try {
    return await open(join(folder, "spool"), "wx+", 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
