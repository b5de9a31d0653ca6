import type { IncomingMessage, ServerResponse } from "node:http";
import { type FileAnswer, type FileAnswerer, type PackBodies, sendAnswer } from "../site-server/index.ts";
import type { AccessLog, AccessRecord } from "./access-log.ts";
import { splitTarget } from "./host-name.ts";
import { sendOwnPage } from "./own-page.ts";
import { forward } from "./reverse-proxy.ts";
import type { ServingTable } from "./serving-table.ts";

/** What the handler works with; the table changes while it runs. */
export interface HandlerContext {
  table(): ServingTable;
  pending(): ServingTable | undefined;
  answerer: FileAnswerer;
  bodies: PackBodies;
  accessLog: AccessLog;
  /** Where HTTPS is to be found, for redirects. */
  httpsPort(): number;
  isDraining(): boolean;
  proxyStalledMs: number;
  lingerMs: number;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  scheme: "http" | "https";
  host: string;
  target: string;
  method: string;
  record: AccessRecord;
}

/** Answers one request, from its head to the line in the access log. Never throws. */
export function handleRequest(
  context: HandlerContext,
  request: IncomingMessage,
  response: ServerResponse,
  scheme: "http" | "https",
): void {
  const started = performance.now();
  const { host, target } = splitTarget(request.url ?? "/", request.headers.host);
  const method = request.method ?? "GET";
  const record = newRecord(request, scheme, host, target);
  const exchange: Exchange = { request, response, scheme, host, target, method, record };
  if (context.isDraining()) response.shouldKeepAlive = false;
  response.on("finish", () => linger(request, context.lingerMs));
  response.on("error", (error) => (record.error ??= error.message));
  response.on("close", () => {
    record.status = response.headersSent ? response.statusCode : 0;
    record.ms = Math.round((performance.now() - started) * 100) / 100;
    if (!response.writableFinished) record.aborted = true;
    // Of a failure, the cause is known only when all of this event's listeners ran.
    if (record.aborted || record.status >= 500) setImmediate(() => context.accessLog.add(record));
    else context.accessLog.add(record);
  });
  dispatch(context, exchange).then(
    (error) => noteFailure(record, error),
    (error: unknown) => {
      noteFailure(record, error);
      if (response.headersSent) response.destroy();
      else sendOwnPage(response, method, 500, "Internal error", "This site cannot be read at the moment.");
    },
  );
}

async function dispatch(context: HandlerContext, exchange: Exchange): Promise<unknown> {
  const { request, response, host, target, method, scheme } = exchange;
  const table = context.table();
  const route = table.route(host);
  if (route === undefined) return unknownHost(exchange);
  if (route.redirectToHttps && scheme === "http") return redirectToHttps(context, exchange);
  if (route.kind === "control") {
    return forward(request, response, {
      target: route.target,
      scheme,
      path: target,
      stalledMs: context.proxyStalledMs,
    });
  }
  exchange.record.app = route.app;
  const now = Date.now();
  const site = table.site(route.app, context.pending(), now);
  if (site === undefined) return unknownHost(exchange);
  exchange.record.release = site.release;
  const answer = context.answerer.answer({ method, target, headers: request.headers, now }, site);
  exchange.record.bytes = bodySize(answer);
  return sendAnswer(answer, response, context.bodies);
}

function unknownHost(exchange: Exchange): void {
  sendOwnPage(exchange.response, exchange.method, 404, "Not found", "There is no site at this address.");
}

/** 308 keeps the method and body. Not kept by caches for ever: the option may be taken back. */
function redirectToHttps(context: HandlerContext, exchange: Exchange): void {
  const port = context.httpsPort();
  const authority = exchange.host.includes(":") ? `[${exchange.host}]` : exchange.host;
  const path = exchange.target.startsWith("/") ? exchange.target : "/";
  const location = `https://${authority}${port === 443 ? "" : `:${port}`}${path}`;
  exchange.response.writeHead(308, { Location: location, "Content-Length": 0, "Cache-Control": "no-cache" });
  exchange.response.end();
}

/**
 * Takes what is still to come of a request that was answered already. To close at once would reset the connection, and the client might
 * lose the answer; to read on for ever would let it send gigabytes to nobody.
 */
function linger(request: IncomingMessage, ms: number): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), ms);
  request.once("close", () => clearTimeout(timer));
}

function bodySize({ body }: FileAnswer): number {
  if (body.kind === "none") return 0;
  return body.kind === "bytes" ? body.bytes.length : body.range.size;
}

function newRecord(request: IncomingMessage, scheme: "http" | "https", host: string, target: string): AccessRecord {
  const mark = target.indexOf("?");
  return {
    time: Date.now(),
    app: null,
    release: null,
    scheme,
    host,
    method: request.method ?? "",
    path: mark === -1 ? target : target.slice(0, mark),
    status: 0,
    bytes: 0,
    ms: 0,
    remote: request.socket.remoteAddress ?? "",
    userAgent: (request.headers["user-agent"] ?? "").slice(0, 256),
  };
}

function noteFailure(record: AccessRecord, error: unknown): void {
  if (error !== undefined) record.error ??= error instanceof Error ? error.message : String(error);
}
