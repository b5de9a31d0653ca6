import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { errno } from "../shared/errors.ts";
import type { AnswerOutcome, HttpConnection } from "../site-server/index.ts";
import { endToEndFields, forwardedFields } from "./hop-by-hop.ts";
import { type OwnPage, sendOwnPage } from "./own-page.ts";
import type { ProxyTarget } from "./snapshot/index.ts";

export interface Forwarding {
  target: ProxyTarget;
  /** Milliseconds without any movement after which a request is given up. */
  stalledMs: number;
}

/** How much longer than control the client is waited for, milliseconds. */
const GRACE_MS = 5_000;

const AWAY: OwnPage = {
  status: 503,
  title: "Not available",
  text: "Steppe's control process is not running at the moment. Try again in a few seconds.",
  fields: "Retry-After: 2\r\n",
};
const BAD_BODY: OwnPage = {
  status: 400,
  title: "Bad request",
  text: "The request's body cannot be read.",
};
const NO_ANSWER: OwnPage = {
  status: 502,
  title: "Bad gateway",
  text: "Steppe's control process did not answer.",
};

/**
 * Passes the request that the core has read on to a server on this machine and its answer back, streaming both ways with back-pressure.
 * A connection of its own for each: on loopback that costs microseconds, and no request meets a kept connection that just
 * went away.
 *
 * @returns resolves when the exchange is over
 */
export function forward(connection: HttpConnection, options: Forwarding): Promise<AnswerOutcome> {
  return new Exchange(connection, options).outcome;
}

class Exchange {
  readonly #connection: HttpConnection;
  readonly #upstream: ClientRequest;
  readonly #isHead: boolean;
  readonly #over = Promise.withResolvers<AnswerOutcome>();
  #isChunked = false;
  /** What the client was told; 0 before that. */
  #status = 0;
  #error: unknown;
  /** What the client is told if control gives no answer. */
  #page = NO_ANSWER;
  #isOver = false;
  readonly #onGone = (): void => this.#end(true);

  constructor(connection: HttpConnection, { target, stalledMs }: Forwarding) {
    const { request } = connection.core;
    this.#connection = connection;
    this.#isHead = request.isHead;
    this.#upstream = httpRequest({
      ...target,
      method: request.method,
      path: request.target,
      headers: forwardedFields(request, connection),
      agent: false,
      setDefaultHeaders: false,
    });
    this.#upstream.setTimeout(stalledMs, () => this.#upstream.destroy(new Error("nothing moved for too long")));
    this.#upstream.on("error", (error) => this.#onError(error));
    this.#upstream.on("response", (answer) => this.#onAnswer(answer));
    // Nobody asked for another protocol: `Upgrade` is not passed on.
    this.#upstream.on("upgrade", (_answer, socket) => {
      socket.destroy();
      this.#onError(new Error("the answer is of another protocol"));
    });
    connection.socket.on("close", this.#onGone);
    // Longer than control is waited for: when that gives no answer, the client is told so.
    connection.begin(true, stalledMs + GRACE_MS);
    if (request.hasBody) this.#sendBody();
    else this.#upstream.end();
  }

  get outcome(): Promise<AnswerOutcome> {
    return this.#over.promise;
  }

  #sendBody(): void {
    const upstream = this.#upstream;
    upstream.flushHeaders(); // Node would keep the head until the first byte of the body
    upstream.on("drain", () => this.#connection.current.resumeBody());
    this.#connection.current.readBody({
      // When control has answered before it has read all, as it does when it refuses a push, the rest has nowhere to go.
      data: (content) => upstream.destroyed || upstream.writableFinished || upstream.write(content),
      end: () => upstream.end(),
      fail: (error) => {
        this.#page = BAD_BODY;
        upstream.destroy(error);
      },
    });
  }

  #onAnswer(answer: IncomingMessage): void {
    const connection = this.#connection;
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 599) {
      answer.destroy();
      this.#onError(new Error(`the answer has the status ${status}`));
      return;
    }
    this.#status = status;
    const hasBody = !this.#isHead && status !== 204 && status !== 304;
    const isFramed = answer.headers["content-length"] !== undefined || !hasBody;
    this.#isChunked = !isFramed && !connection.current.isOldClient;
    // A body of unknown length ends with the connection, for those who know no chunks.
    const close = connection.closes || (!isFramed && !this.#isChunked);
    connection.writer.write(
      `HTTP/1.1 ${status} ${answer.statusMessage ?? ""}\r\n${endToEndFields(answer.rawHeaders, status !== 204)}` +
        (this.#isChunked ? "Transfer-Encoding: chunked\r\n" : "") +
        `${close ? "Connection: close\r\n" : connection.connectionField}\r\n`,
    );
    answer.on("data", (content: Buffer) => this.#onContent(answer, content));
    answer.on("error", (error) => this.#onError(error));
    answer.on("end", () => {
      if (this.#isOver) return;
      if (this.#isChunked) connection.writer.writeChunk(Buffer.alloc(0));
      this.#end(false);
      connection.finish(close);
    });
  }

  #onContent(answer: IncomingMessage, content: Buffer): void {
    const connection = this.#connection;
    if (this.#isChunked ? connection.writer.writeChunk(content) : connection.writer.write(content)) return;
    answer.pause();
    connection.writer.onDrained(() => answer.resume());
  }

  #onError(error: Error): void {
    this.#error ??= error;
    if (this.#isOver) return;
    const connection = this.#connection;
    if (connection.isClosed) {
      this.#end(true);
    } else if (this.#status !== 0) {
      this.#end(true);
      connection.abort(); // half an answer must not look like a whole one
    } else {
      if (["ECONNREFUSED", "ENOENT", "EACCES"].includes(errno(error) ?? "")) this.#page = AWAY;
      const page = this.#page;
      this.#status = page.status;
      this.#end(false);
      connection.current.dropBody(); // the rest of the request's body has nowhere to go
      sendOwnPage(connection, this.#isHead, page);
    }
  }

  /** @param aborted the client did not get the whole answer */
  #end(aborted: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.socket.off("close", this.#onGone);
    if (aborted) this.#upstream.destroy();
    const error = this.#error === undefined ? {} : { error: this.#error };
    this.#over.resolve({ status: this.#status, aborted, ...error });
  }
}
