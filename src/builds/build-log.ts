import { closeSync, openSync, writeSync } from "node:fs";

/** The most bytes of a log that are kept on disk and handed on: a build that prints without end must not keep control busy. */
const MOST_BYTES = 16 * 1024 * 1024;
/** Longer lines are cut into several. */
const LONGEST_LINE = 16 * 1024;
const LINES_IN_ERRORS = 20;

/**
 * The log of one build: kept in a file, and handed on line by line. A disk that is full does not stop it; the
 * build itself fails by then.
 */
export class BuildLog {
  readonly #fd: number;
  readonly #onLine: (line: string) => void;
  readonly #conceal: (line: string) => string;
  readonly #decoder = new TextDecoder();
  #text = "";
  #bytes = 0;
  #last: string[] = [];
  /** Of what came after the most that is kept, the end. */
  #unkept = Buffer.alloc(0);
  #isClosed = false;
  /** Why lines are missing in the file, if any are. */
  #failure: unknown;

  /**
   * Begins the file anew. Throws what opening it throws.
   *
   * @param conceal covers up what nobody may read, in each line
   */
  constructor(path: string, onLine: (line: string) => void, conceal = (line: string): string => line) {
    this.#fd = openSync(path, "w", 0o600);
    this.#onLine = onLine;
    this.#conceal = conceal;
  }

  /** Takes what the build printed. */
  write(chunk: Uint8Array): void {
    if (this.#bytes > MOST_BYTES) {
      this.#unkept = Buffer.concat([this.#unkept, chunk]).subarray(-LONGEST_LINE);
      return;
    }
    this.#text += this.#decoder.decode(chunk, { stream: true });
    const lines = this.#text.split("\n");
    const begun = piecesOf(lines.pop() ?? "");
    this.#text = begun.pop() ?? "";
    this.#take([...lines, ...begun]);
  }

  /** A line of Steppe's own. */
  note(line: string): void {
    this.#take([line]);
  }

  /** The last lines, for an error's detail. */
  get lastLines(): string {
    const unkept = this.#unkept
      .toString("utf8")
      .trimEnd()
      .split("\n")
      .map((line) => this.#conceal(visible(line)));
    return [...this.#last, ...(this.#unkept.length === 0 ? [] : unkept)].slice(-LINES_IN_ERRORS).join("\n");
  }

  /** Ends it, with what was begun of a line. May be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const rest = this.#text + this.#decoder.decode();
    this.#text = "";
    if (rest !== "") this.#take([rest]);
    closeSync(this.#fd);
  }

  #take(raw: string[]): void {
    if (raw.length === 0) return;
    const lines = raw.flatMap((line) => piecesOf(this.#conceal(visible(line))));
    this.#last = [...this.#last, ...lines].slice(-LINES_IN_ERRORS);
    this.#keep(`${lines.join("\n")}\n`);
    for (const line of lines) this.#onLine(line);
  }

  #keep(text: string): void {
    if (this.#failure !== undefined || this.#bytes > MOST_BYTES) return;
    const bytes = Buffer.from(text);
    this.#bytes += bytes.length;
    const kept =
      this.#bytes > MOST_BYTES ? Buffer.from(`… more than ${MOST_BYTES} bytes: the rest is not kept\n`) : bytes;
    try {
      for (let at = 0; at < kept.length;) at += writeSync(this.#fd, kept, at);
    } catch (error) {
      this.#failure = error; // the last lines are in memory, and the build's failure tells the rest
    }
  }
}

/** Of a line that a program wrote over and over (a progress bar), what was there last. */
function visible(line: string): string {
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

/** A line in pieces that are not too long; the last may be empty. */
function piecesOf(line: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (; line.length - at > LONGEST_LINE; at += LONGEST_LINE) pieces.push(line.slice(at, at + LONGEST_LINE));
  return [...pieces, line.slice(at)];
}
