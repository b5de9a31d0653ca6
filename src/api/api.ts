import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ConnectionBounds } from "../shared/connection-bounds.ts";
import { SteppeError, toSteppeError } from "../shared/errors.ts";
import { withAppName } from "../shared/with-app-name.ts";
import { FrugalRequest } from "../shared/frugal-request.ts";
import { HttpListeners } from "../shared/http-listeners.ts";
import { Access, peerOf } from "./access.ts";
import { type ApiLimits, type ApiOptions, DEFAULT_LIMITS } from "./api-options.ts";
import { checkHost } from "./check-host.ts";
import { Exchange } from "./exchange.ts";
import { gitRoute } from "./git-route.ts";
import { Router } from "./router.ts";
import { jsonRoutes } from "./routes.ts";
import { streamRoutes } from "./stream-routes.ts";
import { clusterRoutes } from "./cluster-routes.ts";
import { imageRoutes } from "./image-routes.ts";
import { webhookRoutes } from "./webhook-routes.ts";

/** Milliseconds for a request's head: slow clients hold no more than a connection. */
const HEAD_MS = 20_000;
/** Requests of one connection that wait for their answers. */
const MOST_PIPELINED = 16;
/** So that no client takes all descriptors: the store and the repositories need some. */
const MOST_CONNECTIONS = 2000;

/**
 * The HTTP API and the git endpoint. Plain node:http: half of the routes stream in one direction or both, and each needs its
 * own limits.
 */
export class Api {
  readonly #options: ApiOptions;
  readonly #limits: ApiLimits;
  readonly #router: Router;
  readonly #access: Access;
  readonly #listeners: HttpListeners;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#listeners = new HttpListeners({
      make: () => this.#makeServer(),
      option: "--api HOST:PORT",
      clock: options.clock,
      closeMs: this.#limits.closeMs,
    });
    this.#access = new Access(options.token, options.deployer, options.clock);
    this.#router = new Router([
      ...jsonRoutes(options, this.#limits),
      ...streamRoutes(options, this.#limits),
      ...imageRoutes(options, this.#limits),
      ...clusterRoutes(options, this.#limits),
      ...webhookRoutes(options, this.#limits),
      gitRoute(options, this.#access),
    ]);
  }

  /** See `HttpListeners.listen`. */
  listen(host: string, port: number): Promise<number> {
    return this.#listeners.listen(host, port);
  }

  /** See `HttpListeners.listenOnSocket`. */
  listenOnSocket(path: string): Promise<void> {
    return this.#listeners.listenOnSocket(path);
  }

  /** Accepts no more, ends streams that follow something, lets what runs come to its end for a while, and closes. */
  async close(): Promise<void> {
    await this.#listeners.close(new SteppeError("SHUTTING_DOWN", stopping));
  }

  #makeServer(): Server {
    const server = createServer({
      IncomingMessage: FrugalRequest,
      headersTimeout: HEAD_MS,
      requestTimeout: 0, // a push may take hours; bodies have their own limits
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16 * 1024,
      connectionsCheckingInterval: 5000,
      joinDuplicateHeaders: true, // else the first of two Host headers would count, and nobody would know of the second
    });
    const bounds = new ConnectionBounds({ connections: MOST_CONNECTIONS, pipelined: MOST_PIPELINED });
    bounds.watch(server);
    server.on("request", (request, response) => {
      if (bounds.admits(request, response)) this.#listeners.track(this.#answer(request, response));
    });
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log, clock } = this.#options;
    const begun = clock.monotonic();
    const exchange = new Exchange(request, response, log, clock, this.#listeners.closing);
    response.on("error", () => {}); // the client is gone; `close` follows, and the exchange's signal tells
    try {
      await this.#route(exchange);
    } catch (thrown) {
      await this.#fail(exchange, thrown);
    }
    const { method } = request;
    const ms = Math.round(clock.monotonic() - begun);
    const fields = {
      method,
      path: exchange.shownPath.slice(0, 500),
      status: response.statusCode,
      ms,
      peer: peerOf(exchange),
    };
    if (exchange.path === "/healthz") exchange.log.debug(fields, "request");
    else exchange.log.info(fields, "request");
  }

  async #route(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const { localAddress, localPort } = request.socket;
    checkHost(request.headers, { port: localPort ?? null, localAddress, apiHost: this.#options.apiHost });
    if (this.#listeners.closing.aborted) throw new SteppeError("SHUTTING_DOWN", stopping);
    const { route, params } = this.#find(exchange);
    exchange.params = params;
    if (route.access === "token") this.#access.requireToken(exchange);
    await route.handle(exchange);
  }

  /** Who has no token is told nothing of which addresses there are. */
  #find(exchange: Exchange): ReturnType<Router["find"]> {
    try {
      return this.#router.find(exchange.request.method ?? "", exchange.path);
    } catch (error) {
      this.#access.requireToken(exchange);
      throw error;
    }
  }

  async #fail(exchange: Exchange, thrown: unknown): Promise<void> {
    const { request, response, signal, log } = exchange;
    const error = named(toSteppeError(thrown, `${request.method}`, exchange.shownPath), exchange);
    if (signal.aborted && response.destroyed) return; // the client went away: nobody to tell, and no failure of ours
    if (error.code === "INTERNAL") log.error({ err: thrown }, "a request failed");
    else log.debug({ code: error.code, cause: error.message }, "a request was refused");
    await exchange.refuse(error, exchange.path.startsWith("/git/") ? "text" : "json");
  }
}

/** Of what is asked of an app its name is known, if it can be one. */
function named(error: SteppeError, { params }: Exchange): SteppeError {
  const app = params["app"] ?? "";
  return /^[a-z0-9-]{1,63}$/.test(app) ? withAppName(error, app) : error;
}

const stopping = { operation: "answer", subject: "the API", cause: "Steppe is stopping" };
