import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "./clock.ts";
import { listenError } from "./port-owner.ts";

export interface HttpListenersOptions {
  /** A server, each time: they do not listen yet. */
  make(): Server;
  /** What chooses another address, for errors: `--api HOST:PORT`. */
  option: string;
  clock: Clock;
  /** Milliseconds that what runs may still take when they close. */
  closeMs: number;
}

/** The servers of one application: they listen on ports and unix sockets of this machine, and are closed together. */
export class HttpListeners {
  readonly #options: HttpListenersOptions;
  readonly #servers: Server[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: HttpListenersOptions) {
    this.#options = options;
  }

  /** Aborted when they begin to close, with the reason that `close` was given. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Listens on an address of this machine; port 0 takes a free one. Returns the port.
   * Throws PORT_TAKEN with who has it, PORT_FORBIDDEN, USAGE.
   */
  async listen(host: string, port: number): Promise<number> {
    const server = this.#options.make();
    try {
      server.listen({ host, port });
      await once(server, "listening");
    } catch (error) {
      throw listenError(error, host, port, this.#options.option);
    }
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Listens on a unix socket, mode 0600, for the ingress. What a killed process left there is replaced; hold the data folder's lock. */
  async listenOnSocket(path: string): Promise<void> {
    rmSync(path, { force: true });
    const server = this.#options.make();
    server.listen({ path });
    await once(server, "listening");
    chmodSync(path, 0o600);
    this.#servers.push(server);
  }

  /** Remembers an answer that is on its way, for `close` to wait for. It must not reject. */
  track(answer: Promise<void>): void {
    this.#running.add(answer);
    void answer.finally(() => this.#running.delete(answer));
  }

  /** Accepts no more, lets what runs come to its end for a while, and closes. */
  async close(reason: Error): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const closed = this.#servers.map((server) => {
      const done = once(server, "close");
      server.close();
      server.closeIdleConnections();
      return done;
    });
    this.#closing.abort(reason);
    const { clock, closeMs } = this.#options;
    const finished = new AbortController();
    const patience = clock.sleep(closeMs, { signal: finished.signal, unref: true });
    await Promise.race([Promise.allSettled(this.#running), patience]);
    finished.abort();
    await patience.catch(() => {}); // aborted just now
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
  }
}
