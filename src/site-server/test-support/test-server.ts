import { connect, type AddressInfo, type Socket } from "node:net";
import type { ConnectionLimits } from "../connection-limits.ts";
import { CoreHost } from "../core-host.ts";
import type { HttpConnection } from "../http-connection.ts";
import { HttpListener } from "../http-listener.ts";

/** For tests: nothing is waited for long, but for what a test is about. */
export const testLimits: ConnectionLimits = {
  headMs: 20_000,
  keepAliveMs: 20_000,
  stalledMs: 20_000,
  lingerMs: 5_000,
  handshakeMs: 5_000,
  leastRate: 240,
  rateGraceMs: 10_000,
  checkMs: 20,
  connections: 1000,
};

/** A listener on a free port of this machine, whose requests a test answers. */
export class TestServer {
  readonly core = new CoreHost();
  readonly listener: HttpListener;
  readonly faults: unknown[] = [];
  readonly refused: number[] = [];
  port = 0;

  private constructor(onRequest: (connection: HttpConnection) => void, more: Partial<ConnectionLimits>) {
    this.listener = new HttpListener({
      core: this.core,
      limits: { ...testLimits, ...more },
      handler: {
        onRequest,
        onRefused: ({ core }) => void this.refused.push(core.answer.status),
        onFault: (error) => void this.faults.push(error),
      },
      onAcceptError: (error) => void this.faults.push(error),
    });
  }

  static async start(
    onRequest: (connection: HttpConnection) => void,
    more: Partial<ConnectionLimits> = {},
  ): Promise<TestServer> {
    const server = new TestServer(onRequest, more);
    await server.listener.listen({ host: "127.0.0.1", port: 0 });
    server.port = (server.listener.server.address() as AddressInfo).port;
    return server;
  }

  async open(): Promise<Client> {
    const socket = connect({ port: this.port, host: "127.0.0.1", allowHalfOpen: true });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Client(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.listener.stopAccepting();
    this.listener.endAll();
    await stopped;
  }
}

/** What a client sees of a connection. */
export class Client {
  readonly socket: Socket;
  #text = "";
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    socket.on("error", () => {}); // a reset ends it too
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.#hasEnded = true;
        this.#wake();
      });
    }
  }

  /** All that came so far. */
  get text(): string {
    return this.#text;
  }

  /** Resolves when what came is as wanted; rejects if the server ended before. */
  async until(wanted: (text: string) => boolean): Promise<string> {
    while (!wanted(this.#text)) {
      if (this.#hasEnded) throw new Error(`the server ended after ${JSON.stringify(this.#text.slice(-200))}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#text;
  }

  /** Resolves with all that came when the server has ended. */
  async end(): Promise<string> {
    while (!this.#hasEnded) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#text;
  }
}
