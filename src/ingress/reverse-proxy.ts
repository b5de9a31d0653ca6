import {
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream";
import { errno } from "../shared/errors.ts";
import { sendOwnPage } from "./own-page.ts";
import type { ProxyTarget } from "./snapshot/index.ts";

export interface Forwarding {
  target: ProxyTarget;
  scheme: "http" | "https";
  /** The request's target in origin form. */
  path: string;
  /** Milliseconds without any movement after which a request is given up. */
  stalledMs: number;
}

/** Headers that are about one connection and must not be passed on (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Passes a request on to a server on this machine and its answer back, streaming both ways with back-pressure. A connection of
 * its own for each: on loopback that costs microseconds, and no request meets a kept connection that just went away.
 *
 * @returns resolves when the exchange is over, with the error if it failed; for the log
 */
export function forward(request: IncomingMessage, response: ServerResponse, options: Forwarding): Promise<unknown> {
  const { target, path, stalledMs } = options;
  return new Promise((resolve) => {
    const upstream = httpRequest({
      ...target,
      method: request.method ?? "GET",
      path,
      headers: forwardedHeaders(request, options.scheme),
      agent: false,
      setDefaultHeaders: false,
    });
    request.socket.setTimeout(stalledMs);
    upstream.setTimeout(stalledMs, () => upstream.destroy(new Error("nothing moved for too long")));
    let failure: unknown;
    upstream.on("error", (error) => {
      failure = error;
      sendFailure(request, response, error);
    });
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, withoutHopByHop(answer));
      response.flushHeaders(); // progress must be seen as it comes
      pipeline(answer, response, (error) => (failure ??= error ?? undefined));
    });
    response.on("close", () => {
      if (!response.writableFinished) upstream.destroy(); // the client went away
      resolve(failure);
    });
    sendBody(request, upstream);
  });
}

function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  if (request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined) {
    upstream.end();
    return;
  }
  upstream.flushHeaders(); // Node would keep the head until the first byte of the body
  // Not `pipeline`: it would destroy the client's connection when control answers before it has read all,
  // as it does when it refuses a push.
  request.pipe(upstream);
}

function sendFailure(request: IncomingMessage, response: ServerResponse, error: Error): void {
  if (response.headersSent) {
    response.destroy(); // half an answer must not look like a whole one
    return;
  }
  if (response.destroyed) return;
  response.shouldKeepAlive = false; // the rest of the request's body has nowhere to go
  const away = ["ECONNREFUSED", "ENOENT", "EACCES"].includes(errno(error) ?? "");
  const method = request.method ?? "GET";
  if (away) {
    const text = "Steppe's control process is not running at the moment. Try again in a few seconds.";
    sendOwnPage(response, method, 503, "Not available", text, { "Retry-After": "2" });
  } else {
    sendOwnPage(response, method, 502, "Bad gateway", "Steppe's control process did not answer.");
  }
}

/** What the client said of itself in `X-Forwarded-*` is not believed: nothing stands before the ingress. */
function forwardedHeaders(request: IncomingMessage, scheme: string): OutgoingHttpHeaders {
  const headers = withoutHopByHop(request);
  for (const name of Object.keys(headers)) {
    if (name === "forwarded" || name.startsWith("x-forwarded-") || name === "expect") delete headers[name];
  }
  headers["x-forwarded-for"] = request.socket.remoteAddress ?? "";
  headers["x-forwarded-proto"] = scheme;
  headers["x-forwarded-host"] = request.headers.host ?? "";
  headers["connection"] = "close";
  if (request.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = "chunked";
  return headers;
}

/** What `Connection` cannot take away: without them the next server would see another request, or where a body ends elsewhere. */
const END_TO_END = new Set(["host", "content-length", "authorization"]);

function withoutHopByHop(message: IncomingMessage): OutgoingHttpHeaders {
  const named = (message.headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (!HOP_BY_HOP.has(name) && (END_TO_END.has(name) || !named.includes(name))) headers[name] = value;
  }
  return headers;
}
