/** Longer targets are refused: the HTTP parser's own limit on the head is above this. */
const MOST_BYTES = 12 * 1024;
/** Room for what `withSuffix` appends. */
const SLACK = 64;

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

/** Why a target is refused, as a status and words for its sender. */
export interface BadTarget {
  status: 400 | 414;
  reason: string;
}

/**
 * The path of a request: percent-decoded exactly once, as bytes, without the leading slash. One object is used again
 * and again, so that a request allocates nothing here: what it holds is valid until the next `parse`.
 */
export class RequestPath {
  readonly #bytes = new Uint8Array(MOST_BYTES + SLACK);
  #length = 0;
  /** The path as it was sent, with its leading slash. */
  raw = "";
  /** The query with its question mark, or "". */
  query = "";

  /**
   * Takes a target in origin form. Refuses what is no path of a file under any reading: bad escapes, NUL, dot
   * segments (encoded or not; clients resolve them before they send), and escaped slashes, which
   * would make two names for one file.
   */
  parse(target: string): BadTarget | undefined {
    if (target.length > MOST_BYTES) return { status: 414, reason: "the address is too long" };
    if (target.charCodeAt(0) !== SLASH) return { status: 400, reason: "the address must begin with a slash" };
    const hash = target.indexOf("#");
    const whole = hash === -1 ? target : target.slice(0, hash);
    const mark = whole.indexOf("?");
    this.raw = mark === -1 ? whole : whole.slice(0, mark);
    this.query = mark === -1 ? "" : whole.slice(mark);
    return this.#decode(this.raw);
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Whether the path names a folder: it is empty or ends in a slash. */
  get isFolder(): boolean {
    return this.#length === 0 || this.#bytes[this.#length - 1] === SLASH;
  }

  /** The path with ASCII text after it. */
  withSuffix(suffix: string): Uint8Array {
    for (let i = 0; i < suffix.length; i++) this.#bytes[this.#length + i] = suffix.charCodeAt(i);
    return this.#bytes.subarray(0, this.#length + suffix.length);
  }

  #decode(raw: string): BadTarget | undefined {
    const bytes = this.#bytes;
    let length = 0;
    let segmentStart = 0;
    for (let i = 1; i < raw.length; i++) {
      let code = raw.charCodeAt(i);
      if (code === SLASH) {
        if (isDots(bytes, segmentStart, length)) return { status: 400, reason: "the path holds a dot segment" };
        segmentStart = length + 1;
      } else if (code === PERCENT) {
        code = hexPair(raw, i + 1);
        if (code === -1) return { status: 400, reason: "the path holds a bad percent escape" };
        if (code === SLASH) return { status: 400, reason: "the path holds an escaped slash" };
        i += 2;
      } else if (code > 0xff) {
        return { status: 400, reason: "the path holds a character that was not escaped" };
      }
      if (code === 0) return { status: 400, reason: "the path holds NUL" };
      bytes[length++] = code;
    }
    if (isDots(bytes, segmentStart, length)) return { status: 400, reason: "the path holds a dot segment" };
    this.#length = length;
    return undefined;
  }
}

function isDots(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  return bytes[start] === DOT && (length === 1 || (length === 2 && bytes[start + 1] === DOT));
}

function hexPair(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high === -1 || low === -1 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
