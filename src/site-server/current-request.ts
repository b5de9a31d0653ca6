import type { Socket } from "node:net";
import { type BodySink, RequestBody } from "./request-body.ts";
import type { RequestRecord } from "./request-record.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** What a connection knows of the request that it answers: how it came, and what is still to come of its body. */
export class CurrentRequest {
  readonly #socket: Socket;
  readonly #record: RequestRecord;
  #isOldClient = false;
  #keepAlive = true;
  #isUnread = false;
  #body: RequestBody | undefined;

  /** @param record what the core has read last */
  constructor(socket: Socket, record: RequestRecord) {
    this.#socket = socket;
    this.#record = record;
  }

  /** Its head was read. */
  begin(): void {
    const record = this.#record;
    this.#isUnread = record.hasBody;
    this.#keepAlive = record.keepAlive;
    this.#isOldClient = record.minorVersion === 0;
  }

  /** It is of HTTP/1.0. */
  get isOldClient(): boolean {
    return this.#isOldClient;
  }

  /** The connection ends after the answer: the client wants it, or the body is not read to its end. */
  get closes(): boolean {
    return !this.#keepAlive || this.#isUnread || this.takesBody;
  }

  // ── the body ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** There is a body, or a rest of it, that nobody reads. */
  get isUnread(): boolean {
    return this.#isUnread;
  }

  /** A sink takes the body. */
  get takesBody(): boolean {
    return this.#body !== undefined;
  }

  /** Nothing of it is to come any more; `endBody` tells the sink. */
  get isBodyWhole(): boolean {
    return this.#body?.done === true;
  }

  /** The sink takes more at the moment, or there is none. */
  get wantsMore(): boolean {
    return this.#body?.wantsMore !== false;
  }

  /** Hands the body to `sink`. To be called from `onRequest`, after `begin` of the connection. */
  readBody(sink: BodySink): void {
    const record = this.#record;
    this.#isUnread = false;
    this.#body = new RequestBody(record.isChunked ? undefined : record.contentLength, sink);
    if (record.expectsContinue) this.#socket.write(CONTINUE, "latin1");
  }

  /** The sink takes more. */
  resumeBody(): void {
    if (this.#body === undefined || this.#body.wantsMore) return;
    this.#body.wantsMore = true;
    this.#socket.resume();
  }

  /** Nobody wants the rest of the body any more: the connection ends after the answer. */
  dropBody(): void {
    if (this.#body === undefined) return;
    this.#body = undefined;
    this.#isUnread = true;
    this.#socket.pause();
  }

  /** Hands on what is the body's. @returns the position behind it */
  feedBody(bytes: Buffer, from: number): number {
    const at = this.#body?.feed(bytes, from) ?? from;
    if (at >= 0) return at;
    this.#isUnread = true;
    this.failBody("the request's body is not chunked as it should be");
    return bytes.length;
  }

  /** The body is whole: tells the sink. */
  endBody(): void {
    const body = this.#body;
    this.#body = undefined;
    body?.end();
  }

  /** The rest of the body does not come: tells the sink, if there is one. */
  failBody(why: string): void {
    const body = this.#body;
    this.#body = undefined;
    body?.abort(new Error(why));
  }

  /** Nobody is to be told of the rest any more. */
  forgetBody(): void {
    this.#body = undefined;
  }
}
