import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { listenError } from "../shared/port-owner.ts";
import { type ReceiverLimits, type ReceiverOptions, DEFAULT_LIMITS } from "./receiver-options.ts";
import { Reception } from "./reception.ts";

/** Milliseconds for a request's head, and between requests of a connection. */
const HEAD_MS = 10_000;
const IDLE_MS = 15_000;

/**
 * The listener that senders of webhooks reach: `POST /hooks/NAME/TOKEN`, and `POST /hooks/NAME` of those that sign. Apart from the
 * API, so that nothing but this is open to the world.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiverLimits;
  readonly #reception: Reception;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Requests of each connection that are not answered yet. */
  readonly #unanswered = new WeakMap<Socket, number>();
  readonly #servers: Server[] = [];

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#reception = new Reception(options, this.#limits, this.#closing.signal);
  }

  /**
   * Listens on an address of this machine; port 0 takes a free one. Returns the port.
   * Throws PORT_TAKEN with who has it, PORT_FORBIDDEN, USAGE.
   */
  async listen(host: string, port: number): Promise<number> {
    const server = this.#makeServer();
    try {
      server.listen({ host, port });
      await once(server, "listening");
    } catch (error) {
      throw listenError(error, host, port, "--webhooks HOST:PORT");
    }
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Listens on a unix socket, mode 0600, for the ingress. What a killed process left there is replaced; hold the data folder's lock. */
  async listenOnSocket(path: string): Promise<void> {
    rmSync(path, { force: true });
    const server = this.#makeServer();
    server.listen({ path });
    await once(server, "listening");
    chmodSync(path, 0o600);
    this.#servers.push(server);
  }

  /** Accepts no more, lets what runs come to its end for a while, and closes. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const closed = this.#servers.map((server) => {
      const done = once(server, "close");
      server.close();
      server.closeIdleConnections();
      return done;
    });
    this.#closing.abort(new Error("Steppe is stopping"));
    const finished = new AbortController();
    const patience = this.#options.clock.sleep(this.#limits.closeMs, { signal: finished.signal, unref: true });
    await Promise.race([Promise.allSettled(this.#running), patience]);
    finished.abort();
    await patience.catch(() => {}); // aborted just now
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
  }

  #makeServer(): Server {
    const server = createServer({
      headersTimeout: HEAD_MS,
      requestTimeout: 0, // bodies have their own limit, which is answered with why
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: 16 * 1024,
      connectionsCheckingInterval: 1000,
      joinDuplicateHeaders: true, // else the first of two signatures would count
    });
    server.maxConnections = this.#limits.connections;
    const take = (request: IncomingMessage, response: ServerResponse): void => this.#take(request, response, false);
    server.on("request", take);
    // The body is asked for only when it is known that it will be read.
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) =>
      this.#take(request, response, true),
    );
    return server;
  }

  #take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = request;
    response.on("error", () => {}); // the sender is gone; what it brought is journaled or not
    const before = this.#unanswered.get(socket) ?? 0;
    if (before >= this.#limits.pipelined) {
      socket.destroy();
      return;
    }
    this.#unanswered.set(socket, before + 1);
    response.once("close", () => this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1));
    const running = this.#reception.answer(request, response, expectsContinue);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}
