import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import { errno } from "../shared/errors.ts";
import type { IngressLimits, ListenerConfig } from "./ingress-config.ts";
import type { ListenAddress } from "./listen-address.ts";

export interface ListenersOptions {
  limits: IngressLimits;
  onRequest(request: IncomingMessage, response: ServerResponse, scheme: "http" | "https"): void;
  /** The context for a name, or undefined for the default. May throw. */
  contextFor(serverName: string): SecureContext | undefined;
  /** A connection could not be accepted, for want of descriptors for example: the kernel keeps it in the queue. */
  onAcceptError(error: Error): void;
}

interface Connection {
  /** Those on the way. */
  requests: number;
  /** Begins those that came before the one ahead of them was answered (RFC 9112, section 9.3.2). */
  waiting: Array<() => void>;
}

/** So many requests may be on the way on one connection; whoever sends more without waiting for answers is cut off. */
const MOST_PIPELINED = 32;

/** Why a listener could not listen: the system's code, and which it was. */
export class ListenFailure extends Error {
  readonly code: string;
  readonly listener: "http" | "https";

  constructor(code: string, listener: "http" | "https", message: string) {
    super(message);
    this.code = code;
    this.listener = listener;
  }
}

/** The HTTP and HTTPS listeners of a process, and the connections on them. */
export class Listeners {
  readonly http: Server;
  readonly https: HttpsServer;
  /** Those that carry HTTP, so after their TLS handshake. */
  readonly #connections = new Map<Duplex, Connection>();
  requests = 0;
  readonly #onAcceptError: (error: Error) => void;

  constructor({ limits, onRequest, contextFor, onAcceptError }: ListenersOptions) {
    this.#onAcceptError = onAcceptError;
    const options = {
      headersTimeout: limits.headMs,
      // Bodies may take as long as they move: pushes of gigabytes over slow lines. `stalledMs` bounds the rest.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: limits.headBytes,
      // Else the first of two Host headers would count, and whoever stands before may go by the second (RFC 9112, section 3.2).
      joinDuplicateHeaders: true,
    };
    this.http = createHttpServer(options, (request, response) => this.#onRequest(request, response, "http", onRequest));
    this.https = createHttpsServer(
      {
        ...options,
        handshakeTimeout: limits.handshakeMs,
        SNICallback(serverName, done) {
          try {
            done(null, contextFor(serverName));
          } catch (error) {
            done(error as Error);
          }
        },
      },
      (request, response) => this.#onRequest(request, response, "https", onRequest),
    );
    this.http.on("connection", (socket) => this.#onConnection(socket));
    this.https.on("secureConnection", (socket) => this.#onConnection(socket));
    this.https.on("tlsClientError", (_error, socket) => socket.destroy());
    for (const server of [this.http, this.https]) {
      server.on("clientError", answerClientError);
      server.setTimeout(limits.stalledMs);
      server.maxConnections = limits.connections;
    }
  }

  /** Begins to accept. Rejects with a ListenFailure; neither listens then. */
  async listen(http: ListenerConfig, https: ListenerConfig): Promise<{ http: ListenAddress; https: ListenAddress }> {
    const httpAddress = await listenOn(this.http, http, "http", this.#onAcceptError);
    try {
      return { http: httpAddress, https: await listenOn(this.https, https, "https", this.#onAcceptError) };
    } catch (error) {
      this.http.close();
      throw error;
    }
  }

  /** The descriptors of the listening sockets, for a process that is to inherit them; null when not listening. */
  descriptors(): { http: number | null; https: number | null } {
    return { http: descriptorOf(this.http), https: descriptorOf(this.https) };
  }

  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Stops accepting; others that hold the sockets go on. Connections that are open stay, asked on or not. Resolves when the
   * last has ended.
   *
   * `http.Server.close` would end those that are idle, even if their request is on the way; `net.Server`'s does not.
   */
  async stopAccepting(): Promise<void> {
    await Promise.all(
      [this.http, this.https].map(
        (server) => new Promise<void>((resolve) => void NetServer.prototype.close.call(server, () => resolve())),
      ),
    );
  }

  /** Ends the connections on which nothing is on the way. */
  endIdle(): void {
    for (const [socket, { requests }] of this.#connections) if (requests === 0) socket.destroy();
  }

  /** Ends all connections, handshakes too. */
  endAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
    this.http.closeAllConnections();
    this.https.closeAllConnections();
  }

  #onConnection(socket: Duplex): void {
    this.#connections.set(socket, { requests: 0, waiting: [] });
    socket.on("close", () => this.#connections.delete(socket));
  }

  #onRequest(
    request: IncomingMessage,
    response: ServerResponse,
    scheme: "http" | "https",
    onRequest: ListenersOptions["onRequest"],
  ): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    if (connection === undefined || socket.destroyed) return; // the parser may still have what came before the end
    if (connection.requests >= MOST_PIPELINED) {
      socket.destroy();
      return;
    }
    this.requests++;
    connection.requests++;
    response.on("close", () => {
      connection.requests--;
      connection.waiting.shift()?.();
    });
    // One after another: an answer that is made ahead of its turn waits in memory, a piece of its file with it.
    if (connection.requests === 1) onRequest(request, response, scheme);
    else {
      connection.waiting.push(() => {
        if (!socket.destroyed) onRequest(request, response, scheme);
      });
    }
  }
}

async function listenOn(
  server: NetServer,
  { address, fd }: ListenerConfig,
  listener: "http" | "https",
  onAcceptError: (error: Error) => void,
): Promise<ListenAddress> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  // A long queue: while a process is replaced, it holds who comes.
  if (fd === null) server.listen({ host: address.host, port: address.port, backlog: 4096 }, resolve);
  else server.listen({ fd, backlog: 4096 }, resolve);
  try {
    await promise;
  } catch (error) {
    throw new ListenFailure(errno(error) ?? "", listener, error instanceof Error ? error.message : String(error));
  } finally {
    server.off("error", reject);
  }
  server.on("error", onAcceptError);
  return { host: address.host, port: (server.address() as AddressInfo).port };
}

/** Node has no public way to the descriptor of a listening socket; `_handle.fd` has been there since its first versions. */
function descriptorOf(server: NetServer): number | null {
  const handle: unknown = Reflect.get(server, "_handle");
  if (typeof handle !== "object" || handle === null) return null;
  const fd: unknown = Reflect.get(handle, "fd");
  return typeof fd === "number" && fd >= 0 ? fd : null;
}

const STATUS_OF_ERROR: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** A request that cannot be read, or does not come. One that never began ends in silence. */
function answerClientError(error: Error, socket: Duplex): void {
  const asked = (socket as Socket).bytesRead > 0;
  if (socket.writable && asked && errno(error) !== "ECONNRESET") {
    const status = STATUS_OF_ERROR[errno(error) ?? ""] ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }
  (socket as Socket).destroySoon();
}
