import type { Socket } from "node:net";
import type { ConnectionContext } from "./connection-context.ts";
import { ConnectionTime } from "./connection-time.ts";
import type { CoreHost } from "./core-host.ts";
import { HEAD_LIMIT, RESPOND_CLOSE } from "./core/layout.ts";
import { endSlowly } from "./end-slowly.ts";
import { HeldRequests } from "./held-requests.ts";
import { readDirectly } from "./read-directly.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { CurrentRequest } from "./current-request.ts";

/** Waiting for a head, or in the midst of one. */
const HEAD = 0;
/** A request is being answered. */
const BUSY = 1;
/** The last answer was sent; what still comes is not looked at. */
const LINGERING = 2;
const CLOSED = 3;

const LF = 0x0a;

/**
 * HTTP/1.1 on one connection (RFC 9112): reads heads through the core, has the handler answer them, one after another, and keeps to the
 * time limits. All that a client can make it hold is bounded: what cannot be worked off is not read.
 */
export class HttpConnection {
  readonly socket: Socket;
  /** The request that is being answered, and its body. */
  readonly current: CurrentRequest;
  /** Takes an answer that comes piece by piece, between `begin` and `finish`. */
  readonly writer: AnswerWriter;
  readonly #context: ConnectionContext;
  readonly #onClosed: (connection: HttpConnection) => void;
  readonly #time: ConnectionTime;
  #state = HEAD;
  readonly #held = new HeldRequests();
  /** The client sends no more. */
  #ended = false;
  #takesLong = false;

  constructor(socket: Socket, context: ConnectionContext, onClosed: (connection: HttpConnection) => void) {
    this.socket = socket;
    this.#context = context;
    this.current = new CurrentRequest(socket, context.core.request);
    this.writer = new AnswerWriter(socket, context.slab, context.scheme === "https");
    this.#time = new ConnectionTime(socket, context);
    this.#onClosed = onClosed;
    readDirectly(socket, (chunk) => this.#onData(chunk));
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

  /** For how many of the listener's ticks nothing has been under way; undefined if something is, or may be. */
  get idleTicks(): number | undefined {
    return this.#state === HEAD && this.#held.bytes === undefined ? this.#time.idleTicks : undefined;
  }

  /** The client went away. */
  get isClosed(): boolean {
    return this.#state === CLOSED;
  }

  /** The connection ends after the answer: the client wants it, the request's body is not read, or the process is about to end. */
  get closes(): boolean {
    return this.current.closes || this.#context.draining;
  }

  /** RESPOND_* for the core. */
  get respondFlags(): number {
    return this.closes ? RESPOND_CLOSE : 0;
  }

  /** The line `Connection` of an answer's head, or "". */
  get connectionField(): string {
    if (this.closes) return "Connection: close\r\n";
    return this.current.isOldClient ? "Connection: keep-alive\r\n" : "";
  }

  // ── answering ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what the core has answered, with the body that is in memory already, if there is one. */
  sendAnswer(body?: Buffer): void {
    const { answer } = this.core;
    const { closes } = answer;
    this.writer.writeAnswer(answer, body);
    this.finish(closes);
  }

  /**
   * Sends an answer that the core did not make.
   *
   * @param fields lines that end in CRLF, all that there are but `Date` and `Connection`
   */
  send(status: string, fields: string, body?: Buffer): void {
    this.writer.writeHeadAndBody(`${status}\r\nDate: ${this.core.date}\r\n${this.connectionField}${fields}`, body);
    this.finish();
  }

  /**
   * The answer comes later, piece by piece: `writer.write` … `finish`, or `abort`. What the client asks meanwhile waits.
   *
   * @param takesLong then only few requests may wait behind it
   * @param stalledMs without movement for so long, the connection is ended
   */
  begin(takesLong: boolean, stalledMs: number = this.#context.limits.stalledMs): void {
    this.#state = BUSY;
    this.#takesLong = takesLong;
    this.socket.setTimeout(stalledMs);
  }

  /** The answer is whole. @param close what its head said */
  finish(close: boolean = this.closes): void {
    if (this.#state === BUSY) this.#finishLater(close);
    else if (this.#state === HEAD) {
      if (close) this.#end();
      else {
        this.#time.restart();
        if (this.socket.writableNeedDrain) this.#waitForClient();
      }
    }
  }

  /** Ends the connection, whole as it is. */
  close(): void {
    this.socket.destroy();
  }

  /**
   * Ends the connection in the midst of an answer, so that half of it does not look like the whole: where only the connection's end says that
   * an answer is at its end, it must be a reset. (By TLS it is an end without `close_notify`.)
   */
  abort(): void {
    if (this.scheme === "http") this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  // ── for the listener ───────────────────────────────────────────────────────────────────────────────────────────

  /** Looks at the time limits. To be called once a tick. */
  check(): void {
    const { takesBody, wantsMore } = this.current;
    if (this.#time.trickles(takesBody && wantsMore)) {
      this.abort();
    } else if (this.#state === LINGERING) {
      if (this.#time.hasLingered) this.socket.destroy();
    } else if (this.#state === HEAD) {
      if (this.#held.bytes === undefined) {
        if (this.#time.isIdle) this.socket.destroy();
      } else if (this.#time.isHeadLate) {
        this.#refuse(408);
      }
    }
  }

  // ── what comes ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing that one client sends may end the process. @param isHeld it came before, and its turn has come */
  #onData(chunk: Buffer, isHeld = false): void {
    try {
      if (this.#state === BUSY) this.#takeWhileBusy(chunk, 0);
      else if (this.#state === HEAD) {
        if (isHeld || this.#held.bytes === undefined) this.#read(chunk, false);
        else this.#readMore(chunk);
      }
    } catch (error) {
      this.abort();
      this.#context.handler.onFault(error, this);
    }
  }

  /** What comes byte by byte is not read anew with each: without a line feed no head ends. */
  #readMore(chunk: Buffer): void {
    this.#held.add(chunk, 0);
    const { bytes = chunk } = this.#held;
    if (bytes.length > HEAD_LIMIT || chunk.includes(LF)) this.#read(bytes, true);
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
    this.#time.asked();
    this.#context.requests++;
    this.current.begin();
    this.#context.handler.onRequest(this);
  }

  /** Deals with what came behind the last head that was read. */
  #leave(bytes: Buffer, at: number, isMore: boolean): void {
    if (this.#state === BUSY) {
      this.#takeWhileBusy(bytes, at);
    } else if (this.#state === HEAD) {
      this.#held.set(bytes, at);
      if (!isMore) this.#time.restart();
      if (this.#ended) this.#end(); // the rest of this head does not come
    }
  }

  /** Takes what comes while a request is answered: its body, or what is to wait. */
  #takeWhileBusy(bytes: Buffer, from: number): void {
    const { current } = this;
    const at = current.takesBody ? current.feedBody(bytes, from) : from;
    if (at < bytes.length) this.#hold(bytes, at);
    if (current.isBodyWhole) current.endBody();
    else if (!current.wantsMore) this.socket.pause();
  }

  /** Keeps what came before its turn, and stops reading when that is much. */
  #hold(bytes: Buffer, from: number): void {
    if (this.current.isUnread) return;
    this.#held.add(bytes, from);
    if (this.#held.isMuch) this.socket.pause();
    if (this.#takesLong && this.#held.areMany) this.socket.destroy();
  }

  #onEnd(): void {
    this.#ended = true;
    this.current.failBody("the client ended in the midst of the request's body");
    if (this.#state === HEAD) this.#end();
  }

  // ── between answers ────────────────────────────────────────────────────────────────────────────────────────────

  #finishLater(close: boolean): void {
    this.socket.setTimeout(0);
    if (close || this.current.takesBody) {
      this.#end();
      return;
    }
    this.#state = HEAD;
    this.#time.restart();
    if (this.socket.writableNeedDrain) this.#waitForClient();
    else this.#next();
  }

  /** The client has not taken what it asked for: nothing more is read until it has. */
  #waitForClient(): void {
    this.begin(false);
    this.socket.pause();
    this.writer.onDrained(() => {
      this.socket.setTimeout(0);
      if (this.#state !== BUSY) return;
      this.#state = HEAD;
      this.#next();
    });
  }

  /** Goes on with what came meanwhile. */
  #next(): void {
    this.#time.restart();
    this.socket.resume();
    const { bytes } = this.#held;
    if (bytes !== undefined) this.#onData(bytes, true);
    else if (this.#ended) this.#end();
  }

  #refuse(status: number): void {
    const { core } = this;
    core.respondStatus(status, RESPOND_CLOSE);
    this.#context.handler.onRefused(this);
    this.sendAnswer();
  }

  /** No more answers. */
  #end(): void {
    if (this.#state === CLOSED) return;
    this.#state = LINGERING;
    this.#time.restart();
    this.#held.clear();
    this.current.forgetBody();
    endSlowly(this.socket, this.#context.limits.stalledMs, () => this.#time.restart());
  }

  #onClose(): void {
    this.#state = CLOSED;
    this.#held.clear();
    this.current.failBody("the client went away");
    this.writer.close();
    this.#onClosed(this);
  }
}
