import type { Socket } from "node:net";
import type { ConnectionContext } from "./connection-context.ts";
import type { CoreHost } from "./core-host.ts";
import { HEAD_LIMIT, RESPOND_CLOSE } from "./core/layout.ts";
import { HeldRequests } from "./held-requests.ts";
import { type BodySink, RequestBody } from "./request-body.ts";
import { AnswerWriter } from "./answer-writer.ts";

/** Waiting for a head, or in the midst of one. */
const HEAD = 0;
/** A request is being answered. */
const BUSY = 1;
/** The last answer was sent; what still comes is not looked at. */
const LINGERING = 2;
const CLOSED = 3;

const LF = 0x0a;

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/**
 * HTTP/1.1 on one connection (RFC 9112): reads heads through the core, has the handler answer them, one after another, and keeps to the
 * time limits. All that a client can make it hold is bounded: what cannot be worked off is not read.
 */
export class HttpConnection {
  readonly socket: Socket;
  readonly #context: ConnectionContext;
  readonly #writer: AnswerWriter;
  readonly #onClosed: (connection: HttpConnection) => void;
  #state = HEAD;
  /** When the current state began, in ticks. */
  #since: number;
  readonly #held = new HeldRequests();
  #body: RequestBody | undefined;
  /** The request has a body that is not read, so the connection ends after the answer. */
  #unread = false;
  /** The client sends no more. */
  #ended = false;
  #hasAsked = false;
  #keepAlive = true;
  #isOldClient = false;
  #takesLong = false;

  constructor(socket: Socket, context: ConnectionContext, onClosed: (connection: HttpConnection) => void) {
    this.socket = socket;
    this.#context = context;
    this.#writer = new AnswerWriter(socket, context.slab);
    this.#onClosed = onClosed;
    this.#since = context.ticks;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => {}); // "close" follows, and says all that matters
    socket.on("close", () => this.#onClose());
  }

  get core(): CoreHost {
    return this.#context.core;
  }

  get scheme(): "http" | "https" {
    return this.#context.scheme;
  }

  /** The client's address. */
  get remote(): string {
    return this.socket.remoteAddress ?? "";
  }

  /** Nothing is on the way. */
  get isIdle(): boolean {
    return this.#state === HEAD;
  }

  /** The client went away. */
  get isClosed(): boolean {
    return this.#state === CLOSED;
  }

  /** The client speaks HTTP/1.0. */
  get isOldClient(): boolean {
    return this.#isOldClient;
  }

  /** The connection ends after the answer: the client wants it, the request's body is not read, or the process is about to end. */
  get closes(): boolean {
    return !this.#keepAlive || this.#unread || this.#body !== undefined || this.#context.draining;
  }

  /** RESPOND_* for the core. */
  get respondFlags(): number {
    return this.closes ? RESPOND_CLOSE : 0;
  }

  /** The line `Connection` of an answer's head, or "". */
  get connectionField(): string {
    if (this.closes) return "Connection: close\r\n";
    return this.#isOldClient ? "Connection: keep-alive\r\n" : "";
  }

  // ── answering ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what the core has answered, with the body that is in memory already, if there is one. */
  sendAnswer(body?: Buffer): void {
    const { answer } = this.core;
    const { closes } = answer;
    this.#writer.writeAnswer(answer, body);
    this.finish(closes);
  }

  /**
   * Sends an answer that the core did not make.
   *
   * @param fields lines that end in CRLF, all that there are but `Date` and `Connection`
   */
  send(status: string, fields: string, body?: Buffer): void {
    const head = `HTTP/1.1 ${status}\r\nDate: ${this.core.date}\r\n${this.connectionField}${fields}\r\n`;
    this.#writer.writeTogether(Buffer.from(head, "latin1"), body);
    this.finish();
  }

  /**
   * The answer comes later, piece by piece: `write` … `finish`, or `abort`. What the client asks meanwhile waits.
   *
   * @param takesLong then only few requests may wait behind it
   * @param stalledMs without movement for so long, the connection is ended
   */
  begin(takesLong: boolean, stalledMs: number = this.#context.limits.stalledMs): void {
    this.#state = BUSY;
    this.#takesLong = takesLong;
    this.socket.setTimeout(stalledMs);
  }

  /** Sends a piece, which must not change afterwards. @returns whether more may come at once; else `drained` says when */
  write(piece: Buffer | string): boolean {
    return this.#writer.write(piece);
  }

  /** Sends a piece as a chunk (RFC 9112, section 7.1); one of no bytes is the last. @returns as `write` */
  writeChunk(piece: Buffer): boolean {
    return this.#writer.writeChunk(piece);
  }

  /** Resolves when the client has taken what was sent, or is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => this.#writer.onDrained(resolve));
  }

  /** The same, for one who does not wait by promises. */
  onDrained(wake: () => void): void {
    this.#writer.onDrained(wake);
  }

  /** The answer is whole. @param close what its head said */
  finish(close: boolean = this.closes): void {
    if (this.#state === BUSY) this.#finishLater(close);
    else if (this.#state === HEAD) {
      if (close) this.#end();
      else {
        this.#since = this.#context.ticks;
        if (this.socket.writableNeedDrain) this.#waitForClient();
      }
    }
  }

  /** Half an answer must not look like a whole one: ends the connection at once. */
  abort(): void {
    this.socket.destroy();
  }

  // ── the request's body ─────────────────────────────────────────────────────────────────────────────────────────

  /** Hands the request's body to `sink`. To be called from `onRequest`, after `begin`. */
  readBody(sink: BodySink): void {
    const { request } = this.core;
    this.#unread = false;
    this.#body = new RequestBody(request.isChunked ? undefined : request.contentLength, sink);
    if (request.expectsContinue) this.socket.write(CONTINUE, "latin1");
  }

  /** The sink takes more. */
  resumeBody(): void {
    if (this.#body === undefined || this.#body.wantsMore) return;
    this.#body.wantsMore = true;
    this.socket.resume();
  }

  /** Nobody wants the rest of the body any more: the connection ends after the answer. */
  dropBody(): void {
    if (this.#body === undefined) return;
    this.#body = undefined;
    this.#unread = true;
    this.socket.pause();
  }

  // ── for the listener ───────────────────────────────────────────────────────────────────────────────────────────

  /** Looks at the time limits. @param limits in ticks */
  check(limits: { head: number; keepAlive: number; linger: number }): void {
    const waited = this.#context.ticks - this.#since;
    if (this.#state === LINGERING && this.socket.writableFinished && waited > limits.linger) this.socket.destroy();
    if (this.#state !== HEAD) return;
    if (this.#held.bytes !== undefined) {
      if (waited > limits.head) this.#refuse(408);
    } else if (waited > (this.#hasAsked ? limits.keepAlive : limits.head)) {
      this.socket.destroy();
    }
  }

  // ── what comes ─────────────────────────────────────────────────────────────────────────────────────────────────

  #onData(chunk: Buffer): void {
    if (this.#state === HEAD) {
      if (this.#held.bytes === undefined) this.#readSafely(chunk, false);
      else this.#readMore(chunk);
    } else if (this.#state === BUSY) {
      if (this.#body === undefined) this.#hold(chunk, 0);
      else this.#feedBody(chunk, 0);
    }
  }

  /** What comes byte by byte is not read anew with each: without a line feed no head ends. */
  #readMore(chunk: Buffer): void {
    this.#held.add(chunk, 0);
    const { bytes = chunk } = this.#held;
    if (bytes.length > HEAD_LIMIT || chunk.includes(LF)) this.#readSafely(bytes, true);
  }

  /** Nothing that one client sends may end the process. */
  #readSafely(bytes: Buffer, isMore: boolean): void {
    try {
      this.#read(bytes, isMore);
    } catch (error) {
      this.socket.destroy();
      this.#context.handler.onFault(error, this);
    }
  }

  /** @param isMore whether it begins with what was there before */
  #read(bytes: Buffer, isMore: boolean): void {
    const { core } = this;
    core.tick(Date.now());
    this.#held.clear();
    let at = 0;
    let corked = false;
    while (this.#state === HEAD && at < bytes.length) {
      const length = core.take(bytes, at);
      let from = 0;
      while (this.#state === HEAD && from < length) {
        const used = core.parse(from, length);
        if (used === 0) break;
        if (used < 0) {
          this.#refuse(-used);
          break;
        }
        from += used;
        if (!corked && from < length) {
          corked = true; // several answers go out together
          this.socket.cork();
        }
        this.#onHead();
      }
      // The largest head is smaller than what `take` has room for: what is not whole now needs more from the client.
      if (from === 0) break;
      at += from;
    }
    if (corked) this.socket.uncork();
    if (at < bytes.length) this.#leave(bytes, at, isMore && at === 0);
    else if (this.#ended && this.#state === HEAD) this.#end();
  }

  #onHead(): void {
    this.#hasAsked = true;
    this.#context.requests++;
    const { request } = this.core;
    this.#unread = request.hasBody;
    this.#keepAlive = request.keepAlive;
    this.#isOldClient = request.minorVersion === 0;
    this.#context.handler.onRequest(this);
  }

  /** Deals with what came behind the last head that was read. */
  #leave(bytes: Buffer, at: number, isMore: boolean): void {
    if (this.#state === BUSY) {
      if (this.#body === undefined) this.#hold(bytes, at);
      else this.#feedBody(bytes, at);
    } else if (this.#state === HEAD) {
      this.#held.set(bytes, at);
      if (!isMore) this.#since = this.#context.ticks;
      if (this.#ended) this.#end(); // the rest of this head does not come
    }
  }

  #feedBody(bytes: Buffer, from: number): void {
    const body = this.#body;
    if (body === undefined) return;
    const at = body.feed(bytes, from);
    if (at < 0) {
      this.#body = undefined;
      this.#unread = true;
      body.abort(new Error("the request's body is not chunked as it should be"));
    } else if (body.done) {
      this.#body = undefined;
      if (at < bytes.length) this.#hold(bytes, at);
      body.end();
    } else if (!body.wantsMore) {
      this.socket.pause();
    }
  }

  /** Keeps what came before its turn, and stops reading when that is much. */
  #hold(bytes: Buffer, from: number): void {
    if (this.#unread) return;
    this.#held.add(bytes, from);
    if (this.#held.isMuch) this.socket.pause();
    if (this.#takesLong && this.#held.areMany) this.socket.destroy();
  }

  #onEnd(): void {
    this.#ended = true;
    this.#body?.abort(new Error("the client ended in the midst of the request's body"));
    this.#body = undefined;
    if (this.#state === HEAD) this.#end();
  }

  // ── between answers ────────────────────────────────────────────────────────────────────────────────────────────

  #finishLater(close: boolean): void {
    this.socket.setTimeout(0);
    if (close || this.#body !== undefined) {
      this.#end();
      return;
    }
    this.#state = HEAD;
    this.#since = this.#context.ticks;
    if (this.socket.writableNeedDrain) this.#waitForClient();
    else this.#next();
  }

  /** The client has not taken what it asked for: nothing more is read until it has. */
  #waitForClient(): void {
    this.begin(false);
    this.socket.pause();
    this.#writer.onDrained(() => {
      this.socket.setTimeout(0);
      if (this.#state !== BUSY) return;
      this.#state = HEAD;
      this.#next();
    });
  }

  /** Goes on with what came meanwhile. */
  #next(): void {
    this.#since = this.#context.ticks;
    this.socket.resume();
    if (this.#held.bytes !== undefined) this.#readSafely(this.#held.bytes, false);
    else if (this.#ended) this.#end();
  }

  #refuse(status: number): void {
    const { core } = this;
    core.respondStatus(status, RESPOND_CLOSE);
    this.#context.handler.onRefused(this);
    this.sendAnswer();
  }

  /**
   * No more answers. What the client still sends is taken for a while and dropped: to close at once would reset the connection, and the client
   * might lose the answer; to read on for ever would let it send gigabytes to nobody.
   */
  #end(): void {
    if (this.#state === CLOSED) return;
    this.#state = LINGERING;
    this.#since = this.#context.ticks;
    this.#held.clear();
    this.#body = undefined;
    if (this.socket.writableLength > 0) {
      // The client is still to take the answer: as long as it does so, it has the time.
      this.socket.setTimeout(this.#context.limits.stalledMs);
      this.socket.pause();
    }
    this.socket.end(() => {
      this.#since = this.#context.ticks;
      this.socket.resume();
    });
  }

  #onClose(): void {
    this.#state = CLOSED;
    this.#held.clear();
    this.#body?.abort(new Error("the client went away"));
    this.#body = undefined;
    this.#writer.close();
    this.#onClosed(this);
  }
}
