import {
  FIELD_HOST,
  FIELD_REFERER,
  FIELD_USER_AGENT,
  REQUEST_AT_CONTENT_LENGTH,
  REQUEST_AT_FIELD_COUNT,
  REQUEST_AT_FIELDS,
  REQUEST_AT_FLAGS,
  REQUEST_AT_KNOWN,
  REQUEST_AT_METHOD,
  REQUEST_AT_METHOD_LENGTH,
  REQUEST_AT_METHOD_NAME,
  REQUEST_AT_MINOR,
  REQUEST_AT_TARGET,
  REQUEST_AT_TARGET_LENGTH,
  REQUEST_CHUNKED,
  REQUEST_EXPECTS_CONTINUE,
  REQUEST_FIELD_SIZE,
  REQUEST_HAS_LENGTH,
  REQUEST_KEEP_ALIVE,
  METHOD_HEAD,
} from "./core/layout.ts";
import type { CoreMemory } from "./core-memory.ts";

/** The fields that may be asked for by number. */
export const KnownField = Object.freeze({ host: FIELD_HOST, referer: FIELD_REFERER, userAgent: FIELD_USER_AGENT });

/** The request whose head the core has read last. It is gone with the next one: who needs a part of it for longer takes it out before. */
export class RequestRecord {
  readonly #memory: CoreMemory;
  readonly #at: number;

  /** @param at the record's address */
  constructor(memory: CoreMemory, at: number) {
    this.#memory = memory;
    this.#at = at;
  }

  /** As it came: `GET`. */
  get method(): string {
    return this.#text(REQUEST_AT_METHOD_NAME, REQUEST_AT_METHOD_LENGTH);
  }

  get isHead(): boolean {
    return this.#memory.u8(this.#at + REQUEST_AT_METHOD) === METHOD_HEAD;
  }

  /** In origin form: `/docs/?q=1`; or `*`. */
  get target(): string {
    return this.#text(REQUEST_AT_TARGET, REQUEST_AT_TARGET_LENGTH);
  }

  /** The value of `Host`, or the authority of a target that has one; "" if there is none. */
  get host(): string {
    return this.known(FIELD_HOST);
  }

  /** Of HTTP/1. */
  get minorVersion(): number {
    return this.#memory.u8(this.#at + REQUEST_AT_MINOR);
  }

  get keepAlive(): boolean {
    return (this.#flags & REQUEST_KEEP_ALIVE) !== 0;
  }

  get isChunked(): boolean {
    return (this.#flags & REQUEST_CHUNKED) !== 0;
  }

  /** Whether a body follows; one of no bytes is none. */
  get hasBody(): boolean {
    return (this.#flags & (REQUEST_CHUNKED | REQUEST_HAS_LENGTH)) !== 0 && (this.isChunked || this.contentLength > 0);
  }

  /** Bytes of the body, or undefined if the head does not say. */
  get declaredLength(): number | undefined {
    return (this.#flags & REQUEST_HAS_LENGTH) === 0 ? undefined : this.contentLength;
  }

  get contentLength(): number {
    return this.#memory.f64(this.#at + REQUEST_AT_CONTENT_LENGTH);
  }

  get expectsContinue(): boolean {
    return (this.#flags & REQUEST_EXPECTS_CONTINUE) !== 0;
  }

  /**
   * The value of one of the fields that the core knows, the first if it came several times; "" if the request has none.
   *
   * @param field FIELD_*
   */
  known(field: number): string {
    const at = REQUEST_AT_KNOWN + field * 8;
    return this.#memory.u32(this.#at + at) === 0 ? "" : this.#text(at, at + 4);
  }

  /** All fields in their order, each name followed by its value. */
  fields(): string[] {
    const count = this.#memory.u8(this.#at + REQUEST_AT_FIELD_COUNT);
    const fields: string[] = [];
    for (let i = 0; i < count; i++) {
      const at = REQUEST_AT_FIELDS + i * REQUEST_FIELD_SIZE;
      fields.push(this.#text(at, at + 4), this.#text(at + 8, at + 12));
    }
    return fields;
  }

  get #flags(): number {
    return this.#memory.u8(this.#at + REQUEST_AT_FLAGS);
  }

  #text(address: number, length: number): string {
    return this.#memory.latin1(this.#memory.u32(this.#at + address), this.#memory.u32(this.#at + length));
  }
}
