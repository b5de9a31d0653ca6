const SLAB_BYTES = 64 << 10;

/**
 * Room for what is sent. A piece that the system has taken whole when `write` returned is free again at once, so that most answers are made in the
 * same few bytes; one that still waits in a socket keeps its place, and the next is made behind it.
 */
export class WriteSlab {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #at = 0;

  /** Room for so many bytes, at most 64 KiB. The piece that was given before it must have been written or kept. */
  room(bytes: number): Buffer {
    if (this.#at + bytes > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#at = 0;
    }
    return this.#slab.subarray(this.#at, this.#at + bytes);
  }

  /** The piece that was given last still waits in a socket. */
  keep(bytes: number): void {
    this.#at += bytes;
  }
}
