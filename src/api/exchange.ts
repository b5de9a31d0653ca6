import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { endEarly } from "../shared/bounded-body.ts";
import type { Clock } from "../shared/clock.ts";
import { errorCodes, type SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { withoutWebhookToken } from "../shared/without-webhook-token.ts";

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly log: Logger;
  /** Without the query. */
  readonly path: string;
  /** For logs and errors. */
  readonly shownPath: string;
  readonly query: URLSearchParams;
  /** Parts of the path, decoded: `app`, `deployment`. */
  params: Readonly<Record<string, string>> = {};
  /** Aborts when the client is gone, or the API closes. */
  readonly signal: AbortSignal;
  readonly #clock: Clock;

  constructor(request: IncomingMessage, response: ServerResponse, log: Logger, clock: Clock, closing: AbortSignal) {
    this.request = request;
    this.response = response;
    this.requestId = sane(request.headers["x-request-id"]) ?? randomUUID();
    this.log = log.child({ requestId: this.requestId });
    const target = request.url ?? "";
    const mark = target.indexOf("?");
    this.path = mark === -1 ? target : target.slice(0, mark);
    this.shownPath = withoutWebhookToken(this.path);
    this.query = new URLSearchParams(mark === -1 ? "" : target.slice(mark));
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort(new Error("the client went away"));
    });
    this.signal = AbortSignal.any([gone.signal, closing]);
    this.#clock = clock;
    response.setHeader("x-request-id", this.requestId);
    response.setHeader("cache-control", "no-store");
    response.setHeader("x-content-type-options", "nosniff");
  }

  /** A part of the path that the route names. */
  param(name: string): string {
    const value = this.params[name];
    if (value === undefined) throw new Error(`the route has no :${name}`);
    return value;
  }

  json(status: number, value: unknown): void {
    this.#whole(status, "application/json; charset=utf-8", JSON.stringify(value));
  }

  text(status: number, type: string, value: string): void {
    this.#whole(status, type, value);
  }

  nothing(): void {
    this.response.writeHead(204).end();
  }

  /** Answers an error: as JSON, or as text for git, which shows that to its user. If the answer has begun, it is broken off. */
  async refuse(error: SteppeError, form: "json" | "text"): Promise<void> {
    const { response, request } = this;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const status = errorCodes[error.code].status;
    if (status === 401 && form === "text")
      response.setHeader("www-authenticate", 'Basic realm="Steppe", charset="UTF-8"');
    else if (status === 401) response.setHeader("www-authenticate", 'Bearer realm="Steppe"');
    if (status === 429) response.setHeader("retry-after", "60");
    const body = form === "json" ? JSON.stringify(error) : `${error.message}\n${error.hint}\n`;
    const type = form === "json" ? "application/json; charset=utf-8" : "text/plain; charset=utf-8";
    response.statusCode = status;
    response.setHeader("content-type", type);
    response.setHeader("content-length", Buffer.byteLength(body));
    await endEarly(request, response, body, this.#clock);
  }

  /** Sends a stream as it comes, no faster than it is read; ends quietly when the client is gone. */
  async stream(
    type: string,
    pieces: AsyncIterable<string | Uint8Array>,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const { response } = this;
    response.writeHead(200, { "content-type": type, "x-accel-buffering": "no", ...headers });
    response.flushHeaders();
    for await (const piece of pieces) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
  }

  #whole(status: number, type: string, body: string): void {
    this.response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
  }
}

function sane(id: string | string[] | undefined): string | undefined {
  return typeof id === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(id) ? id : undefined;
}

/** Resolves when more may be written, or nobody is there to read it. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
