import { ChunkedDecoder } from "./chunked-decoder.ts";

/** Who takes a request's body. */
export interface BodySink {
  /** Content, in order; it may be kept. Answers whether more may come at once; else `CurrentRequest.resumeBody` asks for it. */
  data(content: Buffer): boolean;
  /** The body is whole. */
  end(): void;
  /** The rest does not come: the client went away, or it was no chunked body. Nothing follows. */
  fail(error: Error): void;
}

/** A request's body, cut off what comes on a connection: by its length or by chunks. */
export class RequestBody {
  readonly #sink: BodySink;
  readonly #decoder: ChunkedDecoder | undefined;
  /** Bytes of a body with a length that are still to come. */
  #left: number;
  #wantsMore = true;

  /** @param length in bytes, or undefined if it comes in chunks */
  constructor(length: number | undefined, sink: BodySink) {
    this.#sink = sink;
    this.#left = length ?? 0;
    this.#decoder = length === undefined ? new ChunkedDecoder() : undefined;
  }

  get done(): boolean {
    return this.#decoder === undefined ? this.#left === 0 : this.#decoder.done;
  }

  /** Whether the sink takes more at the moment. */
  get wantsMore(): boolean {
    return this.#wantsMore;
  }

  set wantsMore(value: boolean) {
    this.#wantsMore = value;
  }

  /** Hands on what is the body's. @returns the position behind it, or -1 if it was no chunked body */
  feed(bytes: Buffer, from: number): number {
    if (this.#decoder === undefined) {
      const end = Math.min(bytes.length, from + this.#left);
      this.#left -= end - from;
      this.#give(bytes.subarray(from, end));
      return end;
    }
    const at = this.#decoder.feed(bytes, from, (content) => this.#give(content));
    return this.#decoder.refused ? -1 : at;
  }

  /** It is whole. */
  end(): void {
    this.#sink.end();
  }

  /** The rest does not come. */
  abort(error: Error): void {
    this.#sink.fail(error);
  }

  #give(content: Buffer): void {
    if (content.length > 0 && !this.#sink.data(content)) this.#wantsMore = false;
  }
}
