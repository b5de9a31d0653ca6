/** Reads lines and counted bytes from a stream, holding no more than a chunk of it. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  /** Of the last `take`. */
  #left = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line, without its newline. Throws at the end of the stream. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#bytes.indexOf(10);
      if (end !== -1) {
        const line = this.#bytes.toString("latin1", 0, end);
        this.#bytes = this.#bytes.subarray(end + 1);
        return line;
      }
      await this.#more();
    }
  }

  /**
   * Exactly so many bytes, in the pieces in which they come. What is not taken is to be skipped before anything else is read.
   */
  take(length: number): AsyncIterable<Buffer> {
    this.#left = length;
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#piece() }) };
  }

  /** Passes over what is left of the last `take`. */
  async skip(): Promise<void> {
    while (this.#left > 0) await this.#piece();
  }

  async #piece(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#left === 0) return { done: true, value: undefined };
    if (this.#bytes.length === 0) await this.#more();
    const value = this.#bytes.subarray(0, this.#left);
    this.#bytes = this.#bytes.subarray(value.length);
    this.#left -= value.length;
    return { done: false, value };
  }

  async #more(): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) throw new Error("the stream ended too early");
    const { value } = next;
    this.#bytes = this.#bytes.length === 0 ? value : Buffer.concat([this.#bytes, value]);
  }
}
