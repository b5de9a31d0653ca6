import { createServer, Server as NetServer, type ListenOptions, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContext, Server as TlsServer } from "node:tls";
import { connectionRoom } from "./connection-room.ts";
import type { CoreHost } from "./core-host.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import type { ConnectionContext, RequestHandler } from "./connection-context.ts";
import { HttpConnection } from "./http-connection.ts";
import { type KeyAndCertificate, SERVER_TLS } from "./secure-context.ts";
import { WriteSlab } from "./write-slab.ts";

export interface HttpListenerOptions {
  core: CoreHost;
  handler: RequestHandler;
  limits: ConnectionLimits;
  /** For HTTPS: the context for a name, or undefined for the default. May throw. */
  contextFor?: (serverName: string) => SecureContext | undefined;
  /** Connections are not accepted, or not kept, since there are too many or for want of something. Told once until there is room again. */
  onAcceptError(error: Error): void;
}

/** A long queue: while a process is replaced, it holds who comes. */
const BACKLOG = 4096;
const MOST_WAITING = 64 << 10;
/** So many idle connections at most are ended at once for others. */
const ROOM_MOST = 64;

/** Listens for HTTP/1.1 on one socket, plain or with TLS, and has the connections that come. */
export class HttpListener {
  readonly server: NetServer;
  readonly #context: ConnectionContext;
  readonly #connections = new Set<HttpConnection>();
  /** With TLS, the sockets below it, from the begin of the handshake to the end of the connection. */
  readonly #encrypted = new Set<Socket>();
  readonly #onAcceptError: (error: Error) => void;
  /** It has been told that there is no room, and there has been little since. */
  #isFull = false;
  #checker: NodeJS.Timeout | undefined;

  constructor({ core, handler, limits, contextFor, onAcceptError }: HttpListenerOptions) {
    const scheme = contextFor === undefined ? "http" : "https";
    this.#context = { core, handler, limits, slab: new WriteSlab(), scheme, draining: false, ticks: 0, requests: 0 };
    this.#onAcceptError = onAcceptError;
    // A client that has said all that it will say still waits for the answer: so half open.
    const options = { allowHalfOpen: true, noDelay: true, highWaterMark: MOST_WAITING };
    if (contextFor === undefined) {
      this.server = createServer(options, (socket) => this.#onConnection(socket));
    } else {
      const tls = createTlsServer({
        ...options,
        ...SERVER_TLS,
        handshakeTimeout: limits.handshakeMs,
        ALPNProtocols: ["http/1.1"],
        SNICallback(serverName, done) {
          try {
            done(null, contextFor(serverName));
          } catch (error) {
            done(error as Error);
          }
        },
      });
      tls.on("connection", (socket: Socket) => {
        this.#encrypted.add(socket);
        socket.on("close", () => this.#encrypted.delete(socket));
      });
      tls.on("secureConnection", (socket) => this.#onConnection(socket));
      tls.on("tlsClientError", (_error, socket) => socket.destroy());
      this.server = tls;
    }
    this.server.maxConnections = Math.min(limits.connections, connectionRoom());
    this.server.on("connection", () => this.#makeRoom());
    this.server.on("drop", () => this.#onDrop());
  }

  /** Begins to accept. Rejects with the system's error. @param where an address, or a descriptor that listens already */
  async listen(where: ListenOptions | { fd: number }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.server.once("error", reject);
    this.server.listen({ ...where, backlog: BACKLOG }, resolve);
    try {
      await promise;
    } finally {
      this.server.off("error", reject);
    }
    this.server.on("error", this.#onAcceptError);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Since it was made. */
  get requests(): number {
    return this.#context.requests;
  }

  /** For clients that name no host, and for names that no context is for. */
  setDefaultCertificate(pem: KeyAndCertificate): void {
    if (this.server instanceof TlsServer) this.server.setSecureContext({ ...pem, ...SERVER_TLS });
  }

  /** From now on, connections end after their next answer, which says so. */
  drain(): void {
    this.#context.draining = true;
  }

  /**
   * Stops accepting; others that hold the socket go on. Connections that are open stay, asked on or not. Resolves when the
   * last has ended.
   */
  async stopAccepting(): Promise<void> {
    await new Promise<void>((resolve) => void NetServer.prototype.close.call(this.server, () => resolve()));
  }

  /** Ends the connections on which nothing is on the way. */
  endIdle(): void {
    for (const connection of this.#connections) if (connection.isIdle) connection.close();
  }

  /** Ends all connections, handshakes too. */
  endAll(): void {
    for (const connection of this.#connections) connection.abort();
    for (const socket of this.#encrypted) socket.destroy();
  }

  /** How many are open, those in their handshake too. */
  get #open(): number {
    return this.server instanceof TlsServer ? this.#encrypted.size : this.#connections.size;
  }

  /** If that was the last that may be open, ends those that have been idle for the longest, so that others may come. */
  #makeRoom(): void {
    if (this.#open < this.server.maxConnections) return;
    let longest = -1;
    for (const { idleTicks = -1 } of this.#connections) longest = Math.max(longest, idleTicks);
    if (longest === -1) return;
    this.#tellFull();
    let ended = 0;
    for (const connection of this.#connections) {
      if (ended === ROOM_MOST) return;
      if (connection.idleTicks !== longest) continue;
      connection.close();
      ended++;
    }
  }

  #onDrop(): void {
    this.#tellFull();
    this.#makeRoom();
  }

  #tellFull(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    const { maxConnections } = this.server;
    this.#onAcceptError(
      new Error(`${maxConnections} are open, and no more may be: idle ones are ended, new ones turned away`),
    );
  }

  #onConnection(socket: Socket): void {
    const connection = new HttpConnection(socket, this.#context, (closed) => this.#connections.delete(closed));
    this.#connections.add(connection);
    this.#checker ??= setInterval(() => this.#check(), this.#context.limits.checkMs).unref();
  }

  #check(): void {
    this.#context.ticks++;
    for (const connection of this.#connections) connection.check();
    if (this.#open < this.server.maxConnections * 0.9) this.#isFull = false;
    if (this.#connections.size > 0) return;
    clearInterval(this.#checker);
    this.#checker = undefined;
  }
}
