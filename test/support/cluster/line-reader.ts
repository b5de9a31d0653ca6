/** Puts the lines of a stream together, which come broken anywhere. */
export class LineReader {
  readonly #onLine: (text: string) => void;
  #rest = "";
  readonly #decoder = new TextDecoder();

  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine;
  }

  read(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#onLine(line.trim());
  }
}
