/** Reads a stream in pieces of chosen lengths. */
export class ByteReader implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, fewer at the end. To be read to its end before anything else is read. */
  async *take(count: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0) {
        const next: IteratorResult<Uint8Array, unknown> = await this.#chunks.next();
        if (next.done === true) return;
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }

  /** The next `count` bytes in one piece, fewer at the end. */
  async read(count: number): Promise<Buffer> {
    if (this.#rest.length >= count) {
      const { buffer, byteOffset } = this.#rest;
      this.#rest = this.#rest.subarray(count);
      return Buffer.from(buffer, byteOffset, count);
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of this.take(count)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** Passes over the next `count` bytes. */
  async skip(count: number): Promise<void> {
    if (this.#rest.length >= count) this.#rest = this.#rest.subarray(count);
    else for await (const _ of this.take(count));
  }

  /** Lets go of the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
