import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Bounds how many requests of one connection wait for their answers. A client may send many at once (RFC 9112, 9.3.2), and thousands fit into
 * what is read at once; nobody who means well has more than a few.
 */
export class PipelineBound {
  readonly #most: number;
  readonly #unanswered = new WeakMap<Socket, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether a request may be answered; if not, its connection is cut off. To be asked once for each. */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const before = this.#unanswered.get(socket) ?? 0;
    if (before >= this.#most) {
      socket.destroy();
      return false;
    }
    this.#unanswered.set(socket, before + 1);
    response.once("close", () => this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1));
    return true;
  }
}
