import { IncomingMessage } from "node:http";

/** So many pieces of a body may be small, and each that has so many bytes at least is none of these. */
const MOST_SMALL = 1000;
const SMALL_BYTES = 64;

/**
 * A request whose body may not come in pieces of some bytes each: a chunk of one byte (RFC 9112, 7.1) costs six to send, and hundreds to keep.
 * What bounds a body by its bytes notices nothing of that. Its connection is cut off.
 */
export class FrugalRequest extends IncomingMessage {
  #pieces = 0;
  #bytes = 0;

  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    if (piece === null) return super.push(null);
    this.#bytes += piece.length;
    if (++this.#pieces <= MOST_SMALL + this.#bytes / SMALL_BYTES) return super.push(piece, encoding);
    this.socket.destroy();
    return false;
  }
}
