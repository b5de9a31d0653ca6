import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Connections that are open at once. */
  connections: number;
  /** Requests of one connection that wait for their answers: a client may send many at once (RFC 9112, 9.3.2), and thousands fit into what is read at once. */
  pipelined: number;
}

/**
 * Bounds the connections of a server, so that nobody shuts others out. When there is no room for one that comes, the one gives way that has been
 * without a whole request for the longest: who means well sends its head at once, and who opens many to hold them up loses them first.
 */
export class ConnectionBounds {
  readonly #limits: ConnectionLimits;
  /** Those that are open, with how many of their requests are being answered. */
  readonly #open = new Map<Socket, number>();
  /** Those that have asked nothing yet, or nothing more; the longest first. */
  readonly #waiting = new Set<Socket>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Counts the connections of a server. Each of its requests is to be shown to `admits`. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#open.set(socket, 0);
      this.#waiting.add(socket);
      socket.once("close", () => this.#forget(socket));
      if (this.#open.size <= this.#limits.connections) return;
      // At least the one that has just come waits; it is turned away if all others are being answered.
      for (const longest of this.#waiting) {
        this.#forget(longest);
        longest.destroy();
        break;
      }
    });
  }

  /** Whether a request may be answered; if not, its connection is cut off. To be asked once for each. */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const before = this.#open.get(socket);
    if (before === undefined || before >= this.#limits.pipelined) {
      socket.destroy();
      return false;
    }
    this.#open.set(socket, before + 1);
    this.#waiting.delete(socket);
    response.once("close", () => this.#answered(socket));
    return true;
  }

  #answered(socket: Socket): void {
    const unanswered = this.#open.get(socket);
    if (unanswered === undefined) return; // it is closed
    this.#open.set(socket, unanswered - 1);
    if (unanswered === 1) this.#waiting.add(socket);
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket);
    this.#waiting.delete(socket);
  }
}
