/** Digits of a chunk's size: 2^52 bytes are enough, and exact. */
const MOST_DIGITS = 13;
/** Bytes of a line that is no content: a chunk's size with its extensions, or a field of the trailer. */
const MOST_LINE = 4096;
/** Bytes of the trailer. */
const MOST_TRAILER = 16 << 10;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/** What comes next. */
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const CONTENT = 3;
const CONTENT_CR = 4;
const CONTENT_LF = 5;
const TRAILER_START = 6;
const TRAILER = 7;
const TRAILER_LF = 8;
const LAST_LF = 9;
const DONE = 10;
const REFUSED = 11;

/**
 * Takes the chunked transfer coding off a request's body (RFC 9112, section 7.1), however its bytes are cut into pieces. Strict, since two
 * servers that see different ends of a body see different requests: lines end in CRLF and nothing else, sizes are hexadecimal digits and
 * nothing else. Extensions and the trailer are read, bounded, and dropped.
 */
export class ChunkedDecoder {
  #state = SIZE;
  /** Of the chunk, that are still to come; while its size is read, what was read of it. */
  #left = 0;
  #digits = 0;
  /** Bytes of the current line, and of the trailer. */
  #line = 0;
  #trailer = 0;

  /** The body has come to its end; what follows is no part of it. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /** It was no chunked body. Nothing more is taken. */
  get refused(): boolean {
    return this.#state === REFUSED;
  }

  /**
   * Takes bytes from `from` on, up to the body's end.
   *
   * @param take gets each run of content, as a view of `bytes`
   * @returns the position behind what was taken
   */
  feed(bytes: Buffer, from: number, take: (content: Buffer) => void): number {
    let at = from;
    while (at < bytes.length && this.#state < DONE) {
      if (this.#state === CONTENT) {
        const end = Math.min(bytes.length, at + this.#left);
        take(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = CONTENT_CR;
      } else {
        this.#state = this.#next(bytes[at] ?? 0);
        at++;
      }
    }
    return at;
  }

  /** The state after a byte that is no content. */
  #next(byte: number): number {
    switch (this.#state) {
      case SIZE:
        return this.#afterSize(byte);
      case EXTENSION:
        if (byte === CR) return SIZE_LF;
        return isText(byte) && ++this.#line <= MOST_LINE ? EXTENSION : REFUSED;
      case SIZE_LF:
        return byte === LF ? this.#beginChunk() : REFUSED;
      case CONTENT_CR:
        return byte === CR ? CONTENT_LF : REFUSED;
      case CONTENT_LF:
        return byte === LF ? SIZE : REFUSED;
      case TRAILER_LF:
        return byte === LF ? TRAILER_START : REFUSED;
      case LAST_LF:
        return byte === LF ? DONE : REFUSED;
      default:
        return this.#inTrailer(byte);
    }
  }

  #afterSize(byte: number): number {
    const digit = hexadecimal(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits <= MOST_DIGITS ? SIZE : REFUSED;
    }
    if (this.#digits === 0) return REFUSED;
    this.#line = 0;
    if (byte === CR) return SIZE_LF;
    return byte === SEMICOLON ? EXTENSION : REFUSED;
  }

  #beginChunk(): number {
    this.#digits = 0;
    return this.#left === 0 ? TRAILER_START : CONTENT;
  }

  #inTrailer(byte: number): number {
    if (++this.#trailer > MOST_TRAILER) return REFUSED;
    if (this.#state === TRAILER_START) {
      if (byte === CR) return LAST_LF;
      return isToken(byte) ? TRAILER : REFUSED; // no folded lines (RFC 9112, section 5.2)
    }
    if (byte === CR) return TRAILER_LF;
    return isText(byte) ? TRAILER : REFUSED;
  }
}

function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** What may stand in a field's value or a chunk's extension: all but control characters, and the tab. */
function isText(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7f) || byte === 0x09;
}

/** What a field's name may begin with: RFC 9110, section 5.6.2. */
function isToken(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(byte));
}
