/** The memory of the core, as bytes and as numbers. Its views are made anew when it has grown. */
export class CoreMemory {
  readonly #memory: WebAssembly.Memory;
  #buffer: ArrayBuffer;
  bytes: Buffer;
  view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#buffer = memory.buffer;
    this.bytes = Buffer.from(this.#buffer);
    this.view = new DataView(this.#buffer);
  }

  /** To be called after whatever may have made the memory grow: the views of before are empty then. */
  refresh(): void {
    if (this.#memory.buffer === this.#buffer) return;
    this.#buffer = this.#memory.buffer;
    this.bytes = Buffer.from(this.#buffer);
    this.view = new DataView(this.#buffer);
  }

  /** Whether a text or record lies within. */
  has(at: number, length: number): boolean {
    return at + length <= this.bytes.length;
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  f64(at: number): number {
    return this.view.getFloat64(at, true);
  }

  /** A text in UTF-8. Throws CoreFault if it does not lie within. */
  utf8(at: number, length: number): string {
    if (!this.has(at, length)) throw new CoreFault(`a text of ${length} bytes at ${at}`);
    return this.bytes.toString("utf8", at, at + length);
  }

  /** A text of bytes that are characters, as in a head. Throws CoreFault if it does not lie within. */
  latin1(at: number, length: number): string {
    if (!this.has(at, length)) throw new CoreFault(`a text of ${length} bytes at ${at}`);
    return this.bytes.toString("latin1", at, at + length);
  }
}

/** The core said something that cannot be: its memory is not to be trusted any more for the request at hand. */
export class CoreFault extends Error {
  override readonly name = "CoreFault";

  constructor(what: string) {
    super(`the core of the site server is at fault: ${what}`);
  }
}
