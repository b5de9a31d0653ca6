const SLAB_BYTES = 64 << 10;

/** 64 KiB, in which pieces lie one behind the other. */
class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Where the next piece begins. */
  at = 0;
  /** Pieces that still wait in sockets. */
  waiting = 0;

  /** A piece was taken. One function for all of them: a closure for each would cost as much as what it saves. */
  readonly returned = (): void => {
    if (--this.waiting === 0) this.at = 0;
  };
}

/**
 * Room for what is sent. A piece that the system has taken whole when `write` returned is free again at once, so that most answers are made in the
 * same few bytes; one that still waits in a socket keeps its place, and the next is made behind it. Once all of a slab were taken, it is used anew: fresh
 * memory for each would have the collector run all the time.
 */
export class WriteSlab {
  #slab = new Slab();

  /** Room for so many bytes, at most 64 KiB. The piece that was given before it must have been written, kept or lent. */
  room(bytes: number): Buffer {
    if (this.#slab.at + bytes > SLAB_BYTES) this.#slab = new Slab();
    const { at } = this.#slab;
    return this.#slab.bytes.subarray(at, at + bytes);
  }

  /** The piece that was given last still waits in a socket, and nobody tells when it does so no more. */
  keep(bytes: number): void {
    this.lend(bytes);
  }

  /** The piece that was given last is about to wait in a socket. @returns to be called when it does so no more */
  lend(bytes: number): () => void {
    this.#slab.at += bytes;
    this.#slab.waiting++;
    return this.#slab.returned;
  }
}
