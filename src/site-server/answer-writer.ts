import type { Socket } from "node:net";
import type { AnswerRecord } from "./answer-record.ts";
import type { WriteSlab } from "./write-slab.ts";

/** Up to this size, an answer is copied together and sent as one piece. */
const MOST_COPIED = 16 << 10;

/** A socket tells that a piece is gone when all of it is: so much, in bytes, a client may take in silence (`LeastRate`). */
const MOST_UNTOLD = 128 << 10;

/** Puts answers onto a socket, in as few pieces as can be. */
export class AnswerWriter {
  readonly #socket: Socket;
  readonly #slab: WriteSlab;
  readonly #isEncrypted: boolean;
  /** Whoever waits for the client to take what was written. */
  #wake: (() => void) | undefined;

  constructor(socket: Socket, slab: WriteSlab, isEncrypted: boolean) {
    this.#socket = socket;
    this.#slab = slab;
    this.#isEncrypted = isEncrypted;
    socket.on("drain", () => this.close());
  }

  /** Calls `wake` when the client has taken what was written, or is gone; at once if nothing waits. */
  onDrained(wake: () => void): void {
    if (this.#socket.writableNeedDrain && !this.#socket.destroyed) this.#wake = wake;
    else wake();
  }

  /** Nobody takes anything any more, or all of it was taken. */
  close(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Writes the head that the core has made, and a body that is in memory. */
  writeAnswer(answer: AnswerRecord, body: Buffer | undefined): void {
    const { headLength } = answer;
    const total = headLength + (body?.length ?? 0);
    if (total > MOST_COPIED) {
      this.writeTogether(answer.copyOfHead(), body);
      return;
    }
    const piece = this.#slab.room(total);
    answer.copyHead(piece, 0);
    if (body !== undefined) piece.set(body, headLength);
    if (this.#isEncrypted) {
      // A TLS socket always tells later that a piece was taken. A plain one does so mostly when `write` returns; there, a callback would cost a tick.
      this.#socket.write(piece, this.#slab.lend(total));
    } else {
      this.#socket.write(piece);
      if (this.#socket.writableLength !== 0) this.#slab.keep(total);
    }
  }

  /** Writes a head that the core did not make, from its status on, and a body. @param head without the empty line at its end */
  writeHeadAndBody(head: string, body: Buffer | undefined): void {
    this.writeTogether(Buffer.from(`HTTP/1.1 ${head}\r\n`, "latin1"), body);
  }

  /** Writes two pieces at once. Neither may change afterwards. */
  writeTogether(head: Buffer, body: Buffer | undefined): void {
    if (body === undefined || body.length === 0) {
      this.#socket.write(head);
      return;
    }
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(body);
    this.#socket.uncork();
  }

  /** Writes a piece, which must not change afterwards. @returns whether more may come at once */
  write(piece: Buffer | string): boolean {
    return typeof piece === "string" ? this.#socket.write(piece, "latin1") : this.#socket.write(piece);
  }

  /** Writes bytes that may change again when this resolves: the client has taken them, or is gone. */
  async writeLent(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#socket.destroyed; at += MOST_UNTOLD) {
      const piece = bytes.subarray(at, at + MOST_UNTOLD);
      await new Promise<void>((resolve) => this.#socket.write(piece, () => resolve()));
    }
  }

  /** Writes a piece as a chunk; one of no bytes is the last. @returns as `write` */
  writeChunk(piece: Buffer): boolean {
    const socket = this.#socket;
    socket.cork();
    socket.write(`${piece.length.toString(16)}\r\n`, "latin1");
    if (piece.length > 0) socket.write(piece);
    socket.write("\r\n", "latin1");
    socket.uncork();
    return !socket.writableNeedDrain;
  }
}
