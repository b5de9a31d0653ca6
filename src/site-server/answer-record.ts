import {
  ANSWER_AT_BYTES,
  ANSWER_AT_FLAGS,
  ANSWER_AT_FORM,
  ANSWER_AT_FORM_RECORD,
  ANSWER_AT_HEAD,
  ANSWER_AT_HEAD_LENGTH,
  ANSWER_AT_OFFSET,
  ANSWER_AT_PAGE_BYTES,
  ANSWER_AT_PATH,
  ANSWER_AT_PATH_LENGTH,
  ANSWER_AT_SOURCE,
  ANSWER_AT_STATUS,
  ANSWER_CLOSE,
  ANSWER_MISSING,
  ANSWER_NEEDS_TAG,
  FORM_AT_BYTES,
  FORM_SIZE,
  HEAD_ROOM,
} from "./core/layout.ts";
import { CoreFault, type CoreMemory } from "./core-memory.ts";

/** What the core has answered last, read out of its memory and checked. It is gone with the next request. */
export class AnswerRecord {
  readonly #memory: CoreMemory;
  readonly #at: number;
  status = 0;
  flags = 0;
  headAt = 0;
  /** Bytes of the head, and of the built-in page that may follow it. */
  headLength = 0;
  /** Where the body begins in its source. */
  offset = 0;
  /** Bytes of the body that is to be sent; 0 if none is. */
  bytes = 0;
  /** The address of the form's record: the same form of the same loaded site has the same. */
  formRecord = 0;

  /** @param at the record's address */
  constructor(memory: CoreMemory, at: number) {
    this.#memory = memory;
    this.#at = at;
  }

  /** Reads the record. Throws CoreFault if something in it cannot be. */
  read(): void {
    const memory = this.#memory;
    const at = this.#at;
    this.status = memory.u16(at + ANSWER_AT_STATUS);
    this.flags = memory.u8(at + ANSWER_AT_FLAGS);
    this.headAt = memory.u32(at + ANSWER_AT_HEAD);
    this.headLength = memory.u32(at + ANSWER_AT_HEAD_LENGTH);
    this.bytes = memory.f64(at + ANSWER_AT_BYTES);
    if (this.status < 200 || this.status > 599) throw new CoreFault(`status ${this.status}`);
    if ((this.flags & ANSWER_NEEDS_TAG) !== 0) throw new CoreFault("a file without a tag");
    if (this.headLength > HEAD_ROOM || !memory.has(this.headAt, this.headLength)) throw new CoreFault("the head");
    if (this.bytes !== 0) this.#readBody();
  }

  #readBody(): void {
    const memory = this.#memory;
    this.offset = memory.f64(this.#at + ANSWER_AT_OFFSET);
    this.formRecord = memory.u32(this.#at + ANSWER_AT_FORM_RECORD);
    if (!Number.isSafeInteger(this.bytes) || this.bytes < 0) throw new CoreFault(`a body of ${this.bytes} bytes`);
    if (!Number.isSafeInteger(this.offset) || this.offset < 0) throw new CoreFault(`a body at ${this.offset}`);
    if (!memory.has(this.formRecord, FORM_SIZE)) throw new CoreFault("the form");
  }

  /** Whether the body is the whole form, not a range of it. */
  get isWhole(): boolean {
    return this.bytes === this.#memory.f64(this.formRecord + FORM_AT_BYTES);
  }

  /** The number of the source of the body, or SOURCE_OWN. */
  get source(): number {
    return this.#memory.u32(this.#at + ANSWER_AT_SOURCE);
  }

  /** FORM_* of the form that is sent. */
  get form(): number {
    return this.#memory.u8(this.#at + ANSWER_AT_FORM);
  }

  /** The file's own path. */
  get path(): string {
    const at = this.#memory.u32(this.#at + ANSWER_AT_PATH);
    return this.#memory.utf8(at, this.#memory.u32(this.#at + ANSWER_AT_PATH_LENGTH));
  }

  /** The connection ends after this answer. */
  get closes(): boolean {
    return (this.flags & ANSWER_CLOSE) !== 0;
  }

  /** The site has no such path: a former release may. */
  get isMissing(): boolean {
    return (this.flags & ANSWER_MISSING) !== 0;
  }

  /** Bytes of the answer's body, be it a file or a built-in page. */
  get bodyBytes(): number {
    return this.bytes + this.#memory.u32(this.#at + ANSWER_AT_PAGE_BYTES);
  }

  /** Copies the head to where it is sent from. */
  copyHead(into: Buffer, at: number): void {
    this.#memory.bytes.copy(into, at, this.headAt, this.headAt + this.headLength);
  }

  /** The head, to be sent later. */
  copyOfHead(): Buffer {
    const head = Buffer.allocUnsafe(this.headLength);
    this.copyHead(head, 0);
    return head;
  }

  /** The head as text, for those who look into it. */
  get head(): string {
    return this.#memory.latin1(this.headAt, this.headLength);
  }
}
