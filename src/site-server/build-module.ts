import { SteppeError } from "../shared/errors.ts";
import { coreModule } from "./core-modules.ts";
import { FILE_TAG_LENGTH } from "./core/layout.ts";

/** What the module `build` exports: see core/layout.ts. */
interface BuildExports {
  readonly memory: WebAssembly.Memory;
  room(bytes: number): number;
  start(flags: number): void;
  setOption(option: number, length: number): void;
  addSource(length: number): number;
  addFile(pathLength: number, bytes: number, modified: number, source: number, offset: number): number;
  addForm(form: number, bytes: number, source: number, offset: number): void;
  setErrorPage(status: number, pathLength: number): void;
  readHeaders(length: number): void;
  readRedirects(length: number): void;
  finish(modified: number): number;
  problems(): number;
  problemsLength(): number;
}

/** An instance of the module `build`: what it exports, and how texts get into its memory. */
export class BuildModule {
  readonly exports = new WebAssembly.Instance(coreModule("build")).exports as BuildExports;
  #memory = Buffer.from(this.exports.memory.buffer);
  /** Where the last text was put. */
  #room = 0;

  /** The memory as it is now: it is another object after it grew. */
  get memory(): Buffer {
    // The buffer of a memory that grew is detached. Asking the memory itself each time would take longer than the copy that follows.
    if (this.#memory.length === 0) this.#memory = Buffer.from(this.exports.memory.buffer);
    return this.#memory;
  }

  /**
   * Puts a text where the next call looks for it. Returns its bytes of UTF-8.
   *
   * @param more bytes of room behind it
   */
  putText(text: string, more = 0): number {
    this.#makeRoom(text.length * 3 + more); // a UTF-16 unit is at most three bytes of UTF-8
    return this.memory.write(text, this.#room);
  }

  putBytes(bytes: Uint8Array): number {
    this.#makeRoom(bytes.length);
    this.memory.set(bytes, this.#room);
    return bytes.length;
  }

  /** Puts a tag behind a path that was just put. */
  putTag(pathLength: number, tag: string): void {
    this.memory.write(tag, this.#room + pathLength, FILE_TAG_LENGTH, "latin1");
  }

  setOption(option: number, text: string | undefined): void {
    if (text !== undefined) this.exports.setOption(option, this.putText(text));
  }

  readProblems(): string[] {
    const length = this.exports.problemsLength();
    if (length === 0) return [];
    const at = this.exports.problems();
    if (at === 0) throw this.outOfMemory();
    return this.memory
      .toString("utf8", at, at + length)
      .trimEnd()
      .split("\n");
  }

  outOfMemory(): SteppeError {
    return new SteppeError("INTERNAL", {
      operation: "make",
      subject: "a site index",
      cause: "there is no memory for it",
      hint: "Give Steppe more memory, or split the site.",
    });
  }

  #makeRoom(bytes: number): void {
    this.#room = this.exports.room(bytes);
    if (this.#room === 0) throw this.outOfMemory();
  }
}
