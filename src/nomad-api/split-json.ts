const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const ESCAPE = 0x5c;
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** Of what is no JSON, so much is kept, in bytes. */
const MOST_TEXT = 4096;

/** Something else came where a JSON object should begin: a server that fails in the middle of an answer says why there. Its message is what came. */
export class TextAmongJson extends Error {}

/** An object is longer than it may be. */
export class JsonTooLong extends Error {}

/**
 * Cuts a stream of JSON objects, one behind the other with or without blanks in between and broken anywhere, into the text of each. What is not whole when the stream
 * ends is left out. Throws JsonTooLong, and TextAmongJson when the stream has ended.
 *
 * @param mostBytes the longest object
 */
export async function* splitJson(chunks: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<string, void, void> {
  const scanner = new ObjectScanner();
  let begun: Buffer[] = [];
  let text: Buffer | undefined;
  for await (const chunk of chunks) {
    let at = begun.length === 0 && text === undefined ? skipBlanks(chunk, 0) : 0;
    while (at < chunk.length && text === undefined) {
      if (begun.length === 0 && chunk[at] !== OPEN) break;
      const end = scanner.endOf(chunk, at);
      begun.push(chunk.subarray(at, end));
      if (lengthOf(begun) > mostBytes) throw new JsonTooLong(`an object is longer than ${mostBytes} bytes`);
      if (end === undefined) {
        at = chunk.length;
      } else {
        yield Buffer.concat(begun).toString("utf8");
        begun = [];
        at = skipBlanks(chunk, end);
      }
    }
    if (at < chunk.length) text = Buffer.concat([text ?? Buffer.alloc(0), chunk.subarray(at)]).subarray(0, MOST_TEXT);
  }
  if (text !== undefined) throw new TextAmongJson(text.toString("utf8").trim());
}

/** Finds where an object ends that may begin in one chunk and end in another. */
class ObjectScanner {
  #depth = 0;
  #isQuoted = false;
  #isEscaped = false;

  /** The position behind the object's last byte; undefined if it goes on in the next chunk. */
  endOf(chunk: Buffer, from: number): number | undefined {
    for (let at = from; at < chunk.length; at++) {
      if (this.#isEnd(chunk[at] ?? 0)) return at + 1;
    }
    return undefined;
  }

  #isEnd(byte: number): boolean {
    if (this.#isQuoted) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === ESCAPE) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isQuoted = false;
      return false;
    }
    if (byte === QUOTE) this.#isQuoted = true;
    else if (byte === OPEN) this.#depth++;
    else if (byte === CLOSE) this.#depth--;
    return this.#depth === 0;
  }
}

function skipBlanks(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && BLANKS.has(chunk[at] ?? 0)) at++;
  return at;
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}
