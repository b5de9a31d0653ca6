import { type BodySink, RequestBody } from "./request-body.ts";
import type { RequestRecord } from "./request-record.ts";

/** What a connection knows of the request that it answers: how it came, and what is still to come of its body. */
export class CurrentRequest {
  #isOldClient = false;
  #keepAlive = true;
  #isUnread = false;
  #body: RequestBody | undefined;

  /** Its head was read. */
  begin(request: RequestRecord): void {
    this.#isUnread = request.hasBody;
    this.#keepAlive = request.keepAlive;
    this.#isOldClient = request.minorVersion === 0;
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

  /** From now on, `sink` gets the body. */
  readBody(request: RequestRecord, sink: BodySink): void {
    this.#isUnread = false;
    this.#body = new RequestBody(request.isChunked ? undefined : request.contentLength, sink);
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

  /** The sink takes more. @returns whether it did not before */
  resumeBody(): boolean {
    if (this.#body === undefined || this.#body.wantsMore) return false;
    this.#body.wantsMore = true;
    return true;
  }

  /** The sink takes nothing more. @returns whether there was one */
  dropBody(): boolean {
    if (this.#body === undefined) return false;
    this.#body = undefined;
    this.#isUnread = true;
    return true;
  }

  /** Nobody is to be told of the rest any more. */
  forgetBody(): void {
    this.#body = undefined;
  }
}
