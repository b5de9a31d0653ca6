import type { ConnectionLimits } from "./connection-limits.ts";
import type { CoreHost } from "./core-host.ts";
import type { HttpConnection } from "./http-connection.ts";
import type { WriteSlab } from "./write-slab.ts";

/** Who answers the requests of connections. */
export interface RequestHandler {
  /**
   * A request's head has come; it lies in `connection.core.request` until this returns. Before that it must be answered whole
   * (`sendAnswer`, `send`), or `begin` must have been called, for an answer that comes later.
   */
  onRequest(connection: HttpConnection): void;
  /** What came is no request; the core has made the answer. Before it is sent. */
  onRefused(connection: HttpConnection): void;
  /** Something that nobody expected, with the connection on which it was: it is gone. */
  onFault(error: unknown, connection: HttpConnection): void;
}

/** What the connections of a listener share. */
export interface ConnectionContext {
  readonly core: CoreHost;
  readonly handler: RequestHandler;
  readonly limits: ConnectionLimits;
  readonly slab: WriteSlab;
  readonly scheme: "http" | "https";
  /** Connections end after their next answer. */
  draining: boolean;
  /** Counts the looks at the time limits: a clock that costs nothing. */
  ticks: number;
  /** Of all connections. */
  requests: number;
}
