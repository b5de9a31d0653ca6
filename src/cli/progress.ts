import type { OutputStream } from "./io.ts";
import { printable } from "../shared/style.ts";

/** Lines of what goes on; on a terminal, below them one line that is overwritten. */
export class Progress {
  readonly #output: OutputStream;
  #drawn = false;

  constructor(output: OutputStream) {
    this.#output = output;
  }

  /** A line that stays. */
  async line(text: string): Promise<void> {
    await this.#output.write(`${this.#erase()}${text}\n`);
  }

  /** A line that the next one takes the place of; on what is no terminal, a line like others. */
  async passing(text: string): Promise<void> {
    const plain = printable(text);
    if (!this.#output.isTTY) {
      await this.line(plain);
      return;
    }
    const erase = this.#erase();
    this.#drawn = true;
    await this.#output.write(
      erase +
        Array.from(plain)
          .slice(0, Math.max(10, this.#output.columns - 1))
          .join(""),
    );
  }

  /** Shows what work tells, to who watches on a terminal: a log has it from the end. */
  async during<Result>(work: (tell: (text: string) => void) => Promise<Result>): Promise<Result> {
    try {
      return await work((text) => void (this.#output.isTTY && this.passing(text)));
    } finally {
      await this.end();
    }
  }

  /** Takes the passing line away. */
  async end(): Promise<void> {
    const erase = this.#erase();
    if (erase !== "") await this.#output.write(erase);
  }

  #erase(): string {
    const erase = this.#drawn ? "\r\u001b[2K" : "";
    this.#drawn = false;
    return erase;
  }
}
