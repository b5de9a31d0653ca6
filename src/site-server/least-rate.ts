import type { Socket } from "node:net";
import type { ConnectionLimits } from "./connection-limits.ts";

/** What it looks at of a socket. */
export type Moved = Pick<Socket, "bytesRead" | "bytesWritten" | "writableLength">;

/**
 * Finds clients that move just enough not to be taken for stalled: a byte a minute would hold a connection, and a piece of memory, for ever. It is asked at
 * each tick and needs no timer of its own.
 */
export class LeastRate {
  readonly #socket: Moved;
  readonly #limits: ConnectionLimits;
  /** What the client had taken when it was seen to take something last, and when; undefined if nothing waits for it. */
  #taking: { bytes: number; since: number } | undefined;
  /** What it had given when more was wanted at a look first, and when; undefined if nothing more is wanted. */
  #giving: { bytes: number; since: number } | undefined;

  constructor(socket: Moved, limits: ConnectionLimits) {
    this.#socket = socket;
    this.#limits = limits;
  }

  /**
   * Whether the client takes what it was sent too slowly: each piece has the time that it needs at the least rate, and the grace. A socket tells only when a
   * piece is gone whole; one has 128 KiB at most (`writeLent`).
   *
   * @param now milliseconds of any clock
   */
  isTakenTooSlowly(now: number): boolean {
    const { writableLength, bytesWritten } = this.#socket;
    if (writableLength === 0) {
      this.#taking = undefined;
      return false;
    }
    const bytes = bytesWritten - writableLength;
    if (this.#taking?.bytes !== bytes) this.#taking = { bytes, since: now };
    return now - this.#taking.since > this.#limits.rateGraceMs + this.#timeFor(writableLength);
  }

  /**
   * Whether the client sends the body of its request too slowly, from the first look on. What it sent fast counts for later, and it may rest as long as anything may
   * stall: programs think while they send.
   *
   * @param isWanted whether more of the body is wanted at the moment; else it is not the client that is slow
   */
  isGivenTooSlowly(now: number, isWanted: boolean): boolean {
    const bytes = this.#socket.bytesRead;
    if (!isWanted) {
      this.#giving = undefined;
      return false;
    }
    this.#giving ??= { bytes, since: now };
    return now - this.#giving.since > this.#limits.stalledMs + this.#timeFor(bytes - this.#giving.bytes);
  }

  #timeFor(bytes: number): number {
    return (bytes / this.#limits.leastRate) * 1000;
  }
}
