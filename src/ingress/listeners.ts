import type { AddressInfo, Server as NetServer } from "node:net";
import type { SecureContext } from "node:tls";
import { errno } from "../shared/errors.ts";
import { type ConnectionLimits, type CoreHost, HttpListener, type RequestHandler } from "../site-server/index.ts";
import type { ListenerConfig } from "./ingress-config.ts";
import type { ListenAddress } from "./listen-address.ts";

export interface ListenersOptions {
  core: CoreHost;
  handler: RequestHandler;
  limits: ConnectionLimits;
  /** The context for a name, or undefined for the default. May throw. */
  contextFor(serverName: string): SecureContext | undefined;
  /** Connections are not accepted, since there are too many or for want of something. Told once until there is room again. */
  onAcceptError(error: Error): void;
}

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
  readonly http: HttpListener;
  readonly https: HttpListener;

  constructor({ contextFor, ...options }: ListenersOptions) {
    this.http = new HttpListener(options);
    this.https = new HttpListener({ ...options, contextFor });
  }

  /** Begins to accept. Rejects with a ListenFailure; neither listens then. */
  async listen(http: ListenerConfig, https: ListenerConfig): Promise<{ http: ListenAddress; https: ListenAddress }> {
    const httpAddress = await listenOn(this.http, http, "http");
    try {
      return { http: httpAddress, https: await listenOn(this.https, https, "https") };
    } catch (error) {
      this.http.server.close();
      throw error;
    }
  }

  /** The descriptors of the listening sockets, for a process that is to inherit them; null when not listening. */
  descriptors(): { http: number | null; https: number | null } {
    return { http: descriptorOf(this.http.server), https: descriptorOf(this.https.server) };
  }

  get connections(): number {
    return this.http.connections + this.https.connections;
  }

  /** Since they were made. */
  get requests(): number {
    return this.http.requests + this.https.requests;
  }

  /** From now on, connections end after their next answer, which says so. */
  drain(): void {
    this.http.drain();
    this.https.drain();
  }

  /** Stops accepting; others that hold the sockets go on. Resolves when the last connection has ended. */
  async stopAccepting(): Promise<void> {
    await Promise.all([this.http.stopAccepting(), this.https.stopAccepting()]);
  }

  /** Ends the connections on which nothing is on the way. */
  endIdle(): void {
    this.http.endIdle();
    this.https.endIdle();
  }

  /** Ends all connections, handshakes too. */
  endAll(): void {
    this.http.endAll();
    this.https.endAll();
  }
}

async function listenOn(
  listener: HttpListener,
  { address, fd }: ListenerConfig,
  name: "http" | "https",
): Promise<ListenAddress> {
  try {
    await listener.listen(fd === null ? { host: address.host, port: address.port } : { fd });
  } catch (error) {
    throw new ListenFailure(errno(error) ?? "", name, error instanceof Error ? error.message : String(error));
  }
  return { host: address.host, port: (listener.server.address() as AddressInfo).port };
}

/** Node has no public way to the descriptor of a listening socket; `_handle.fd` has been there since its first versions. */
function descriptorOf(server: NetServer): number | null {
  const handle: unknown = Reflect.get(server, "_handle");
  if (typeof handle !== "object" || handle === null) return null;
  const fd: unknown = Reflect.get(handle, "fd");
  return typeof fd === "number" && fd >= 0 ? fd : null;
}
