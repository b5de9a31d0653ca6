/** The head of a CGI answer. https://www.rfc-editor.org/rfc/rfc3875#section-6 */
export interface CgiHead {
  status: number;
  headers: Record<string, string>;
}

const MOST = 64 * 1024;

/** Collects the head of a CGI answer from a stream, however it is chunked. */
export class CgiHeadReader {
  #bytes = Buffer.alloc(0);

  /** Returns the head once it is whole, with the start of the body. Throws if it never can be. */
  feed(chunk: Uint8Array): { head: CgiHead; body: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const text = this.#bytes.toString("latin1");
    const end = /\r?\n\r?\n/.exec(text);
    if (end === null) {
      if (text.length > MOST) throw new Error("the head of the answer has no end");
      return undefined;
    }
    return { head: parse(text.slice(0, end.index)), body: this.#bytes.subarray(end.index + end[0].length) };
  }
}

function parse(text: string): CgiHead {
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new Error(`not a header: ${JSON.stringify(line.slice(0, 80))}`);
    }
    const name = match[1].toLowerCase();
    if (name === "status") status = Number.parseInt(match[2], 10);
    else headers[name] = match[2];
  }
  if (!(status >= 200 && status < 600)) throw new Error("the answer has no valid status");
  return { status, headers };
}
