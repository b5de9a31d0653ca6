import { SteppeError } from "../../shared/errors.ts";

/** What an archive is read from: its bytes in their order. */
export interface ByteSource {
  /** The next `count` bytes in one piece, fewer at the end. */
  read(count: number): Promise<Buffer>;
  /** The next `count` bytes as they come, fewer at the end. To be read to its end before anything else is read. */
  take(count: number): AsyncGenerator<Uint8Array, void, void>;
  /** Passes over the next `count` bytes. */
  skip(count: number): Promise<void>;
}

/** One thing in a tar archive. Names are bytes: no archive says what they are encoded in. */
export interface TarEntry {
  name: Buffer;
  kind: "file" | "folder" | "link" | "hard link" | "other";
  /** Of a link what it leads to, of a hard link which earlier name it is the same as; else empty. */
  target: Buffer;
  /** Bytes of the content. */
  size: number;
  /** Where in the archive the content begins. */
  offset: number;
}

const BLOCK = 512;
/** Longer names and attributes are refused, as Go's archive/tar does, which Docker and most others use. */
const MOST_EXTENSION_BYTES = 1024 ** 2;
const EMPTY = Buffer.alloc(0);
const KINDS: Readonly<Record<string, TarEntry["kind"]>> = {
  "0": "file",
  "7": "file",
  "1": "hard link",
  "2": "link",
  "5": "folder",
};

/** What headers before a header said of it. */
interface Extension {
  name?: Buffer;
  target?: Buffer;
  size?: number;
}

/**
 * Reads a tar archive: ustar, with the extended headers of PAX and of GNU, as layers of images have them.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 * https://www.gnu.org/software/tar/manual/html_node/Standard.html
 *
 * It throws IMAGE_INVALID where an archive is damaged, ends too early, or has sparse files, which no layer has to have.
 */
export class TarReader {
  readonly #source: ByteSource;
  readonly #subject: string;
  #position = 0;
  /** Bytes of the content, and of what pads it, that were not read yet. */
  #content = 0;
  #padding = 0;

  /** @param subject what the archive is, in messages */
  constructor(source: ByteSource, subject: string) {
    this.#source = source;
    this.#subject = subject;
  }

  /** The next entry; undefined at the end. What was not read of the one before is passed over. */
  async next(): Promise<TarEntry | undefined> {
    const extension: Extension = {};
    for (;;) {
      await this.#skip(this.#content + this.#padding);
      this.#content = this.#padding = 0;
      const header = await this.#source.read(BLOCK);
      if (header.length === 0 || isZero(header)) return undefined;
      this.#position += header.length;
      if (header.length < BLOCK) throw this.#broken("it ends within a header");
      if (!hasRightChecksum(header)) throw this.#broken("a header is damaged");
      const type = header[156] === 0 ? "\0" : String.fromCharCode(header[156] ?? 0);
      const size = this.#number(header.subarray(124, 136));
      if (type === "x" || type === "L" || type === "K") await this.#readExtension(type, size, extension);
      else if (type === "g") this.#expect(size);
      else return this.#entry(header, type, extension.size ?? size, extension);
    }
  }

  /** The content of the entry that `next` gave last, once. */
  async *content(): AsyncGenerator<Buffer, void, void> {
    let left = this.#content;
    for await (const piece of this.#source.take(left)) {
      left -= piece.length;
      this.#content = left;
      this.#position += piece.length;
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    }
    if (left > 0) throw this.#broken("it ends within a file");
  }

  #entry(header: Buffer, type: string, size: number, extension: Extension): TarEntry {
    const name = extension.name ?? nameOf(header);
    if (type === "S") throw this.#broken("it has a sparse file");
    const kind = type === "\0" ? (name.at(-1) === 0x2f ? "folder" : "file") : (KINDS[type] ?? "other");
    const target =
      kind === "link" || kind === "hard link" ? (extension.target ?? text(header.subarray(157, 257))) : EMPTY;
    // Of links, folders and devices some writers give a size; no content follows.
    const hasContent = kind === "file" || (kind === "other" && !["3", "4", "6"].includes(type));
    this.#expect(hasContent ? size : 0);
    return { name, kind, target, size: kind === "file" ? size : 0, offset: this.#position };
  }

  #expect(size: number): void {
    this.#content = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
  }

  async #readExtension(type: "x" | "L" | "K", size: number, extension: Extension): Promise<void> {
    if (size > MOST_EXTENSION_BYTES) throw this.#broken(`a header has ${size} bytes`);
    this.#expect(size);
    const content = await this.#source.read(size);
    this.#position += content.length;
    this.#content = 0;
    if (content.length < size) throw this.#broken("it ends within a header");
    if (type === "L") extension.name = text(content);
    else if (type === "K") extension.target = text(content);
    else this.#readRecords(content, extension);
  }

  /** `LENGTH KEY=VALUE\n`, the length counting itself. */
  #readRecords(content: Buffer, extension: Extension): void {
    for (let at = 0; at < content.length;) {
      const space = content.indexOf(0x20, at);
      const length = Number(/^[1-9]\d{0,6}$/.exec(content.toString("latin1", at, Math.max(at, space)))?.[0]);
      const end = at + length;
      const equals = content.indexOf(0x3d, space);
      if (!(end <= content.length) || equals === -1 || equals >= end || content[end - 1] !== 0x0a) {
        throw this.#broken("an extended header is damaged");
      }
      const key = content.toString("latin1", space + 1, equals);
      const value = content.subarray(equals + 1, end - 1);
      if (key.startsWith("GNU.sparse.")) throw this.#broken("it has a sparse file");
      if (key === "path") extension.name = value;
      else if (key === "linkpath") extension.target = value;
      else if (key === "size") extension.size = this.#decimal(value.toString("latin1"));
      at = end;
    }
  }

  #decimal(digits: string): number {
    const size = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
    if (Number.isSafeInteger(size)) return size;
    throw this.#broken("a size is no number");
  }

  /** Octal digits, or, with the first bit set, a number in base 256, as GNU has it. */
  #number(field: Buffer): number {
    if (((field[0] ?? 0) & 0x80) === 0) {
      const digits = text(field).toString("latin1").trim();
      if (!/^[0-7]*$/.test(digits)) throw this.#broken("a size is no number");
      return digits === "" ? 0 : Number.parseInt(digits, 8);
    }
    let value = (field[0] ?? 0) & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (Number.isSafeInteger(value)) return value;
    throw this.#broken("a size is no number");
  }

  async #skip(count: number): Promise<void> {
    await this.#source.skip(count);
    this.#position += count;
  }

  #broken(cause: string): SteppeError {
    return new SteppeError("IMAGE_INVALID", {
      operation: "read",
      subject: this.#subject,
      cause: `the archive is damaged: ${cause}`,
    });
  }
}

/** Up to the first zero. */
function text(field: Buffer): Buffer {
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

/** Of POSIX' form a name that is cut in two; GNU's has other things in the place of the first part. */
function nameOf(header: Buffer): Buffer {
  const name = text(header.subarray(0, 100));
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? text(header.subarray(345, 500)) : EMPTY;
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** The sum of the header's bytes with its own field as spaces; some old programs took bytes as signed. */
function hasRightChecksum(header: Buffer): boolean {
  const told = Number.parseInt(text(header.subarray(148, 156)).toString("latin1").trim(), 8);
  let sum = 0;
  let signed = 0;
  for (const [i, byte] of header.entries()) {
    const value = i >= 148 && i < 156 ? 0x20 : byte;
    sum += value;
    signed += value > 127 ? value - 256 : value;
  }
  return told === sum || told === signed;
}
