import {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from "node:http";
import { type Agent as SecureAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../clock.ts";
import { parseLength } from "./header-fields.ts";
import { TransportError } from "./transport-error.ts";
import { Watchdog } from "./watchdog.ts";

/** Times, in milliseconds. */
export interface TimeLimits {
  /** For a connection, TLS and all. */
  connect: number;
  /** From the last byte of the request to the head of the answer. */
  head: number;
  /** Without a byte of a body, in either direction. */
  idle: number;
}

export interface TransportOptions {
  agent: Agent | SecureAgent;
  /** A unix socket to connect to, whatever host the address names. */
  socketPath?: string | undefined;
  clock: Clock;
  times: TimeLimits;
}

export interface HttpRequest {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: URL;
  headers: Readonly<Record<string, string>>;
  /** A stream is sent once; its length is in `headers`. */
  body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  signal?: AbortSignal | undefined;
}

/** An unread body of up to so many bytes is read to its end, so that the connection can be used again. */
const WORTH_READING = 64 * 1024;

/**
 * Makes one request and resolves with the head of the answer, whatever its status. Rejects with a TransportError, with
 * what `body` throws, or with the signal's reason.
 *
 * Over node:http and node:https, which are loaded anyway: `fetch` would load undici, 2 MB a process; it follows redirections with
 * the fields it was given, and its time limits are those of a dispatcher that Node does not export.
 */
export async function sendRequest(options: TransportOptions, request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, headers, body, signal } = request;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { agent, socketPath } = options;
  const settings: RequestOptions = {
    method,
    headers,
    agent,
    signal,
    ...(socketPath === undefined ? {} : { socketPath }),
  };
  const outgoing = url.protocol === "https:" ? httpsRequest(url, settings) : httpRequest(url, settings);
  let connected = false;
  const watchdog = new Watchdog(options.clock, (what) =>
    outgoing.destroy(new TransportError(what, { unsent: !connected })),
  );
  let own: { error: unknown } | undefined;
  const fail = (error: unknown): void => {
    if (signal?.aborted) reject(signal.reason as Error);
    else reject(own === undefined ? TransportError.from(error, url, { unsent: !connected }) : (own.error as Error));
  };
  outgoing.once("response", resolve);
  outgoing.on("error", fail);
  // An answer 101 is none that Node would tell of: it closes, and neither an answer nor an error comes.
  outgoing.once("upgrade", (_, socket) => {
    socket.destroy();
    fail(new TransportError("it wants to speak another protocol, which was not asked for", { final: true }));
  });
  outgoing.once("close", () => {
    watchdog[Symbol.dispose]();
    fail(new TransportError("the connection was closed without an answer"));
  });
  watchConnection(outgoing, watchdog, options.times, () => (connected = true));
  if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
  // Once the answer is there, that the server took no more of the body is no failure: the answer says why.
  else
    pipeline(
      Readable.from(
        sending(body, watchdog, (error) => (own = { error })),
        { objectMode: false },
      ),
      outgoing,
    ).catch(fail);
  return new HttpAnswer(await promise, outgoing, watchdog, options.times, request);
}

function watchConnection(
  outgoing: ClientRequest,
  watchdog: Watchdog,
  times: TimeLimits,
  onConnected: () => void,
): void {
  outgoing.once("socket", (socket) => {
    const awaitAnswer = (): void => watchdog.watch(times.head, `it did not answer within ${times.head / 1000} s`);
    const send = (): void => {
      onConnected();
      if (outgoing.writableFinished) {
        awaitAnswer();
        return;
      }
      watchdog.watch(times.idle, `it took nothing of what was sent for ${times.idle / 1000} s`, { taking: true });
      outgoing.once("finish", awaitAnswer);
      // An answer may come before all was sent.
      outgoing.once("response", () => outgoing.off("finish", awaitAnswer));
    };
    if (!socket.connecting) {
      send();
      return;
    }
    watchdog.watch(times.connect, `no connection came about within ${times.connect / 1000} s`);
    socket.once("encrypted" in socket ? "secureConnect" : "connect", send);
  });
}

/** @param onFailure told what `body` throws: that is no fault of the connection */
async function* sending(
  body: AsyncIterable<Uint8Array>,
  watchdog: Watchdog,
  onFailure: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, void> {
  watchdog.pause();
  try {
    for await (const chunk of body) {
      watchdog.resume();
      yield chunk;
      watchdog.pause();
    }
  } catch (error) {
    onFailure(error);
    throw error;
  }
  watchdog.resume();
}

/** An answer, whose body is read at most once. Dispose of it when it is done with. */
export class HttpAnswer implements Disposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What was asked for. */
  readonly url: URL;
  readonly #message: IncomingMessage;
  readonly #outgoing: ClientRequest;
  readonly #watchdog: Watchdog;
  readonly #signal: AbortSignal | undefined;

  constructor(
    message: IncomingMessage,
    outgoing: ClientRequest,
    watchdog: Watchdog,
    times: TimeLimits,
    request: HttpRequest,
  ) {
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.url = request.url;
    this.#message = message;
    this.#outgoing = outgoing;
    this.#watchdog = watchdog;
    this.#signal = request.signal;
    message.on("error", () => {}); // told to whoever reads the body
    watchdog.watch(times.idle, `nothing came for ${times.idle / 1000} s`, { taking: true });
    watchdog.pause();
  }

  /** A field that came once. */
  field(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === "string" ? value : undefined;
  }

  /** The bytes as they come. Throws a TransportError if they break off, and the signal's reason. */
  async *body(): AsyncGenerator<Buffer, void, void> {
    this.#watchdog.resume();
    try {
      for await (const chunk of this.#message as AsyncIterable<Buffer>) {
        this.#watchdog.pause();
        yield chunk;
        this.#watchdog.resume();
      }
    } catch (error) {
      if (this.#signal?.aborted) throw this.#signal.reason;
      // Of a request that is destroyed its answer only knows that it broke off.
      throw this.#watchdog.late === undefined
        ? TransportError.from(error, this.url)
        : new TransportError(this.#watchdog.late, { cause: error });
    }
  }

  /** The whole body; undefined if it is longer than `limit` bytes. */
  async bytes(limit: number): Promise<Buffer | undefined> {
    if ((parseLength(this.headers["content-length"]) ?? 0) > limit && this.#outgoing.method !== "HEAD")
      return undefined;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.body()) {
      size += chunk.length;
      if (size > limit) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  }

  [Symbol.dispose](): void {
    const length = this.#outgoing.method === "HEAD" ? 0 : parseLength(this.headers["content-length"]);
    const cheap = length !== undefined && length <= WORTH_READING && this.#outgoing.writableFinished;
    if (this.#message.complete || cheap) {
      this.#watchdog.resume();
      this.#message.resume();
    } else {
      this.#outgoing.destroy();
    }
  }
}
