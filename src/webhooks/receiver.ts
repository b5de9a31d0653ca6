import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ConnectionBounds } from "../shared/connection-bounds.ts";
import { FrugalRequest } from "../shared/frugal-request.ts";
import { HttpListeners } from "../shared/http-listeners.ts";
import { type ReceiverLimits, type ReceiverOptions, DEFAULT_LIMITS } from "./receiver-options.ts";
import { Reception } from "./reception.ts";

/** Milliseconds for a request's head, and between requests of a connection. */
const HEAD_MS = 10_000;
const IDLE_MS = 15_000;

/**
 * The listener that senders of webhooks reach: `POST /hooks/NAME/TOKEN`, and `POST /hooks/NAME` of those that sign, and the open paths of apps, if there are any. Apart from the
 * API, so that nothing but this is open to the world.
 */
export class Receiver {
  readonly #limits: ReceiverLimits;
  readonly #reception: Reception;
  readonly #listeners: HttpListeners;

  constructor(options: ReceiverOptions) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#listeners = new HttpListeners({
      make: () => this.#makeServer(),
      option: "--webhooks HOST:PORT",
      clock: options.clock,
      closeMs: this.#limits.closeMs,
    });
    this.#reception = new Reception(options, this.#limits, this.#listeners.closing);
  }

  /** See `HttpListeners.listen`. */
  listen(host: string, port: number): Promise<number> {
    return this.#listeners.listen(host, port);
  }

  /** See `HttpListeners.listenOnSocket`. */
  listenOnSocket(path: string): Promise<void> {
    return this.#listeners.listenOnSocket(path);
  }

  /** Accepts no more, lets what runs come to its end for a while, and closes. */
  async close(): Promise<void> {
    await this.#listeners.close(new Error("Steppe is stopping"));
  }

  #makeServer(): Server {
    const server = createServer({
      IncomingMessage: FrugalRequest,
      headersTimeout: HEAD_MS,
      requestTimeout: 0, // bodies have their own limit, which is answered with why
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: 16 * 1024,
      connectionsCheckingInterval: 1000,
      joinDuplicateHeaders: true, // else the first of two signatures would count
    });
    const bounds = new ConnectionBounds(this.#limits);
    bounds.watch(server);
    const taker = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
      response.on("error", () => {}); // the sender is gone; what it brought is journaled or not
      if (!bounds.admits(request, response)) return;
      this.#listeners.track(this.#reception.answer(request, response, expectsContinue));
    };
    server.on("request", taker(false));
    // The body is asked for only when it is known that it will be read.
    server.on("checkContinue", taker(true));
    return server;
  }
}
