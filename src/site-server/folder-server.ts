import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../shared/clock.ts";
import { defaultConnectionLimits } from "./connection-limits.ts";
import { CoreHost } from "./core-host.ts";
import type { HttpConnection } from "./http-connection.ts";
import { HttpListener } from "./http-listener.ts";
import { KnownField } from "./request-record.ts";
import { FolderAnswers, type FolderOutcome } from "./folder-answers.ts";
import { FolderLooks } from "./folder-looks.ts";
import { type FolderOptions, FolderSite } from "./folder-site.ts";
import { secureContext } from "./secure-context.ts";
import { watchFolder } from "./watch-folder.ts";

/** A request and how it was answered. */
export interface ServedRequest {
  method: string;
  /** With its query. */
  target: string;
  status: number;
  /** Of the body. */
  bytes: number;
  /** Milliseconds until it was handed to the system. */
  ms: number;
  remote: string;
  userAgent: string;
}

export interface FolderServerOptions extends FolderOptions {
  /** Absolute. */
  folder: string;
  /** Where to listen; port 0 takes a free one. */
  address: { host: string; port: number };
  /** Key and chain, for HTTPS. */
  tls?: { key: Buffer; cert: Buffer };
  /** Whether changes in the folder are noticed. */
  watch: boolean;
  /** Default: the system's. */
  clock?: Clock;
  /** Told of each request, if anybody wants to know. */
  onRequest?: (request: ServedRequest) => void;
  /** Told when the folder has been looked at again, with what was not understood in `_headers` and `_redirects`. */
  onChange: (files: number, problems: readonly string[]) => void;
  /** Told what a person should know: that changes cannot be noticed, that a file could not be read. */
  onTrouble: (what: string, error: unknown) => void;
}

/** Serves a folder by HTTP or HTTPS, as `steppe serve` does. */
export class FolderServer {
  readonly #options: FolderServerOptions;
  readonly #listener: HttpListener;
  readonly #looks: FolderLooks;
  readonly #answers: FolderAnswers;
  #stopWatching: () => void = () => {};

  private constructor(options: FolderServerOptions, core: CoreHost, site: FolderSite) {
    this.#options = options;
    const { folder, tls, clock = systemClock } = options;
    this.#looks = new FolderLooks(site, {
      open: () => FolderSite.open(core, folder, options),
      clock,
      onChange: ({ files, problems }) => options.onChange(files, problems),
      onTrouble: (error) => options.onTrouble("the folder cannot be read; it is served as it was", error),
    });
    this.#answers = new FolderAnswers(this.#looks, clock, options.watch);
    const context = tls && secureContext(tls);
    this.#listener = new HttpListener({
      core,
      limits: defaultConnectionLimits,
      handler: {
        onRequest: (connection) => this.#answer(connection),
        onRefused: () => {},
        onFault: (error) => options.onTrouble("a request was not answered", error),
      },
      ...(context && { contextFor: () => context }),
      onAcceptError: (error) => options.onTrouble("connections are not accepted", error),
    });
    if (tls !== undefined) this.#listener.setDefaultCertificate(tls);
  }

  /**
   * Looks at the folder and begins to serve it. Rejects with USAGE if there is no such folder, or with the system's error if the
   * address cannot be listened on.
   */
  static async start(options: FolderServerOptions): Promise<FolderServer> {
    const core = new CoreHost();
    const site = await FolderSite.open(core, options.folder, options);
    const server = new FolderServer(options, core, site);
    await server.#listener.listen(options.address);
    if (options.watch) {
      server.#stopWatching = watchFolder(options.folder, {
        onChange: () => void server.#looks.again(),
        onTrouble: (error) => options.onTrouble("changes in the folder are not noticed", error),
      });
    }
    options.onChange(site.files, site.problems);
    return server;
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#listener.server.address() as AddressInfo).port;
  }

  /** Stops accepting, and ends all connections. */
  async close(): Promise<void> {
    this.#stopWatching();
    const stopped = this.#listener.stopAccepting();
    this.#listener.endAll();
    await stopped;
    this.#looks[Symbol.dispose]();
  }

  #answer(connection: HttpConnection): void {
    const served = this.#options.onRequest && describe(connection);
    const started = served === undefined ? 0 : performance.now();
    const later = this.#answers.answer(connection);
    if (later !== undefined) void this.#tellLater(later, served, started);
    else if (served !== undefined)
      this.#tell(served, started, connection.core.answer.status, connection.core.answer.bodyBytes);
  }

  async #tellLater(later: Promise<FolderOutcome>, served: ServedRequest | undefined, started: number): Promise<void> {
    const { status, bytes, error } = await later;
    if (error !== undefined) this.#options.onTrouble("a file could not be read", error);
    if (served !== undefined) this.#tell(served, started, status, bytes);
  }

  #tell(served: ServedRequest, started: number, status: number, bytes: number): void {
    served.status = status;
    served.bytes = bytes;
    served.ms = performance.now() - started;
    this.#options.onRequest?.(served);
  }
}

function describe(connection: HttpConnection): ServedRequest {
  const { request } = connection.core;
  return {
    method: request.method,
    target: request.target,
    status: 0,
    bytes: 0,
    ms: 0,
    remote: connection.remote,
    userAgent: request.known(KnownField.userAgent),
  };
}
