import type { Logger } from "../shared/log.ts";
import { withoutWebhookToken } from "../shared/without-webhook-token.ts";
import {
  type AnswerOutcome,
  type FileSender,
  type HttpConnection,
  KnownField,
  type RequestHandler,
} from "../site-server/index.ts";
import type { AccessLog, AccessRecord } from "./access-log.ts";
import { hostName } from "./host-name.ts";
import { sendOwnPage } from "./own-page.ts";
import { forward } from "./reverse-proxy.ts";
import type { ServingTable } from "./serving-table.ts";
import type { SiteIndexes } from "./site-indexes.ts";
import type { ProxyTarget, SiteRelease } from "./snapshot/index.ts";

/** What the handler works with; the tables change while it runs. */
export interface HandlerContext {
  table(): ServingTable;
  pending(): ServingTable | undefined;
  indexes: SiteIndexes;
  files: FileSender;
  accessLog: AccessLog;
  log: Logger;
  /** Where HTTPS is to be found, for redirects. */
  httpsPort(): number;
  proxyStalledMs: number;
}

const NO_SITE = { status: 404, title: "Not found", text: "There is no site at this address." };
/** Where control's host takes deliveries of webhooks. */
const WEBHOOKS = "/hooks/";
const UNREADABLE = { status: 500, title: "Internal error", text: "This site cannot be read at the moment." };

/** Answers the requests of visitors, from a request's head to its line in the access log. */
export class IngressHandler implements RequestHandler {
  readonly #context: HandlerContext;

  constructor(context: HandlerContext) {
    this.#context = context;
  }

  onRequest(connection: HttpConnection): void {
    const started = performance.now();
    const { request } = connection.core;
    const host = hostName(request.host);
    const record = newRecord(connection, host);
    const later = this.#answer(connection, host, record);
    if (later === undefined) {
      this.#log(record, started);
      return;
    }
    void later.then((outcome) => {
      record.status = outcome.status;
      if (outcome.aborted) record.aborted = true;
      noteError(record, outcome.error);
      this.#log(record, started);
    });
  }

  onRefused(connection: HttpConnection): void {
    const { answer } = connection.core;
    const record = emptyRecord(connection);
    record.status = answer.status;
    record.bytes = answer.bodyBytes;
    this.#context.accessLog.add(record);
  }

  onFault(error: unknown, connection: HttpConnection): void {
    this.#context.log.error({ err: error, remote: connection.remote }, "a request was not answered");
  }

  /** Answers, and notes in the record what it was. @returns undefined if it was done at once */
  #answer(connection: HttpConnection, host: string, record: AccessRecord): Promise<AnswerOutcome> | undefined {
    const route = this.#context.table().route(host);
    if (route === undefined) return ownPage(connection, record, NO_SITE);
    const isWebhook = route.kind === "control" && record.path.startsWith(WEBHOOKS);
    if (route.kind === "control") record.path = withoutWebhookToken(record.path);
    if (route.redirectToHttps && connection.scheme === "http") return this.#redirectToHttps(connection, host, record);
    if (route.kind === "control") {
      return this.#forward(connection, (isWebhook ? route.webhooks : undefined) ?? route.target);
    }
    const current = this.#context.table().current(route.app);
    if (current === undefined) return ownPage(connection, record, NO_SITE);
    record.app = route.app;
    record.release = current.release;
    try {
      return this.#answerFrom(connection, route.app, current, record);
    } catch (error) {
      noteError(record, error);
      return ownPage(connection, record, UNREADABLE);
    }
  }

  #answerFrom(
    connection: HttpConnection,
    app: string,
    current: SiteRelease,
    record: AccessRecord,
  ): Promise<AnswerOutcome> | undefined {
    const { indexes, files } = this.#context;
    const { core } = connection;
    let site = indexes.get(current.index);
    core.respond(site, connection.respondFlags);
    if (core.answer.isMissing) site = this.#findKept(connection, app, current);
    record.status = core.answer.status;
    record.bytes = core.answer.bodyBytes;
    return files.send(connection, site);
  }

  /** Answers from another release that has the path, if there is one; else from the current one. */
  #findKept(connection: HttpConnection, app: string, current: SiteRelease): number {
    const { indexes, table, pending } = this.#context;
    const { core } = connection;
    for (const other of table().others(app, pending(), Date.now())) {
      const site = indexes.get(other.index);
      if (core.respondKept(site, connection.respondFlags)) return site;
    }
    // Anew: to load the others may have taken the room of this one.
    const site = indexes.get(current.index);
    core.respond(site, connection.respondFlags);
    return site;
  }

  #forward(connection: HttpConnection, target: ProxyTarget): Promise<AnswerOutcome> {
    return forward(connection, { target, stalledMs: this.#context.proxyStalledMs });
  }

  /** 308 keeps the method and body. Not kept by caches for ever: the option may be taken back. */
  #redirectToHttps(connection: HttpConnection, host: string, record: AccessRecord): undefined {
    const port = this.#context.httpsPort();
    const { target } = connection.core.request;
    const authority = host.includes(":") ? `[${host}]` : host;
    const path = target.startsWith("/") ? target : "/";
    const location = `https://${authority}${port === 443 ? "" : `:${port}`}${path}`;
    record.status = 308;
    connection.send(
      "308 Permanent Redirect",
      `Location: ${location}\r\nContent-Length: 0\r\nCache-Control: no-cache\r\n`,
    );
    return undefined;
  }

  #log(record: AccessRecord, started: number): void {
    record.ms = Math.round((performance.now() - started) * 100) / 100;
    this.#context.accessLog.add(record);
  }
}

function ownPage(connection: HttpConnection, record: AccessRecord, page: typeof NO_SITE): undefined {
  record.status = page.status;
  record.bytes = sendOwnPage(connection, connection.core.request.isHead, page);
  return undefined;
}

function newRecord(connection: HttpConnection, host: string): AccessRecord {
  const { request } = connection.core;
  const { target } = request;
  const mark = target.indexOf("?");
  const record = emptyRecord(connection);
  record.host = host;
  record.method = request.method;
  record.path = mark === -1 ? target : target.slice(0, mark);
  record.userAgent = request.known(KnownField.userAgent).slice(0, 256);
  return record;
}

function emptyRecord(connection: HttpConnection): AccessRecord {
  return {
    time: Date.now(),
    app: null,
    release: null,
    scheme: connection.scheme,
    host: "",
    method: "",
    path: "",
    status: 0,
    bytes: 0,
    ms: 0,
    remote: connection.remote,
    userAgent: "",
  };
}

function noteError(record: AccessRecord, error: unknown): void {
  if (error !== undefined) record.error ??= error instanceof Error ? error.message : String(error);
}
