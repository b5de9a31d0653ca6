import { type FileHandle, open, stat } from "node:fs/promises";
import { errno } from "../shared/errors.ts";

const CHUNK = 64 * 1024;
const NEWLINE = 10;

/** A log file that is read from wherever one likes to its end, and on as it grows. */
export class FileTail implements AsyncDisposable {
  readonly #handle: FileHandle;
  #offset = 0;
  /** The beginning of a line whose end has not been written. */
  #partial = Buffer.alloc(0);
  #kept = false;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Undefined if there is no such file. */
  static async open(path: string): Promise<FileTail | undefined> {
    try {
      return new FileTail(await open(path, "r"));
    } catch (error) {
      if (errno(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /**
   * The last lines that are wanted, looking back from the end through at most `mostBytes`. What comes after them is what `more`
   * gives next.
   */
  async lastLines(most: number, mostBytes: number, isWanted: (line: string) => boolean): Promise<string[]> {
    const { size } = await this.#handle.stat();
    const found: string[] = [];
    let start = size;
    let head = Buffer.alloc(0); // the end of a line whose beginning is before `start`
    let isEnd = true;
    while (start > 0 && found.length < most && size - start < mostBytes) {
      const length = Math.min(CHUNK, start);
      start -= length;
      let block = Buffer.concat([await this.#read(start, length), head]);
      if (isEnd) {
        isEnd = false;
        const end = block.lastIndexOf(NEWLINE) + 1;
        if (end === 0 && start > 0) {
          head = block;
          isEnd = true;
          continue;
        }
        this.#offset = size;
        this.#partial = Buffer.from(block.subarray(end));
        block = block.subarray(0, end);
      }
      const first = start === 0 ? 0 : block.indexOf(NEWLINE) + 1;
      head = Buffer.from(block.subarray(0, first));
      const lines = block.subarray(first).toString("utf8").split("\n");
      lines.pop();
      for (let index = lines.length - 1; index >= 0 && found.length < most; index--) {
        const line = lines[index] ?? "";
        if (isWanted(line)) found.push(line);
      }
    }
    if (isEnd) this.#offset = size;
    return found.reverse();
  }

  /** What has been written since, as whole lines; empty if there is nothing. */
  async more(): Promise<string> {
    for (;;) {
      const block = await this.#read(this.#offset, CHUNK);
      if (block.length === 0) return "";
      this.#offset += block.length;
      const all = Buffer.concat([this.#partial, block]);
      const end = all.lastIndexOf(NEWLINE) + 1;
      this.#partial = Buffer.from(all.subarray(end));
      if (end > 0) return all.toString("utf8", 0, end);
    }
  }

  /** What follows the last whole line. */
  rest(): string {
    const text = this.#partial.toString("utf8");
    this.#partial = Buffer.alloc(0);
    return text === "" ? "" : `${text}\n`;
  }

  /** Whether the path still leads to this file: a log that grew too large is renamed, and begun anew. */
  async isStillAt(path: string): Promise<boolean> {
    try {
      const [here, there] = await Promise.all([this.#handle.stat(), stat(path)]);
      return here.ino === there.ino && here.dev === there.dev;
    } catch (error) {
      if (errno(error) === "ENOENT") return false;
      throw error;
    }
  }

  /** Leaves it open when its scope ends; close it then. */
  async keep(): Promise<this> {
    this.#kept = true;
    return this;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await this.close();
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }
}
