import { AnswerRecord } from "./answer-record.ts";
import { ANSWER_AT_LENGTH, INPUT_BYTES, SITE_AT_LENGTH } from "./core/layout.ts";
import { coreModule } from "./core-modules.ts";
import { CoreFault, CoreMemory } from "./core-memory.ts";
import { RequestRecord } from "./request-record.ts";
import { checkSiteIndex, damaged } from "./site-index-head.ts";

/** What the module `answer` offers: see core/layout.ts. */
interface AnswerModule {
  memory: WebAssembly.Memory;
  input(): number;
  request(): number;
  answer(): number;
  setTime(seconds: number): void;
  date(): number;
  parse(at: number, end: number): number;
  respond(site: number, flags: number): void;
  respondKept(site: number, flags: number): number;
  respondStatus(status: number, flags: number): void;
  siteRoom(bytes: number): number;
  siteFree(site: number): void;
  siteCheck(site: number, bytes: number): number;
  sourceName(site: number, source: number): number;
}

const DATE_LENGTH = 29;

/** A site that the core holds, by the address of its index. */
export type SiteHandle = number;

/**
 * The core of the site server in this process: parses heads and answers them from the sites that it holds, all in its own memory. It
 * knows neither sockets nor files. One is enough for all connections, since nothing of a request stays in it.
 */
export class CoreHost {
  /** What `parse` has read. */
  readonly request: RequestRecord;
  /** What `respond` and its like have answered. */
  readonly answer: AnswerRecord;
  readonly #core: AnswerModule;
  readonly #memory: CoreMemory;
  readonly #input: number;
  /** Where the head lies that was read last, within what was taken. */
  #headAt = 0;
  #headBytes = 0;
  /** Of the core's clock: seconds since 1970. */
  #second = 0;
  #date = "";

  /** @throws SteppeError INTERNAL if the module that the build makes is not there */
  constructor() {
    this.#core = new WebAssembly.Instance(coreModule("answer")).exports as AnswerModule;
    this.#memory = new CoreMemory(this.#core.memory);
    this.#input = this.#core.input();
    this.request = new RequestRecord(this.#memory, this.#core.request());
    this.answer = new AnswerRecord(this.#memory, this.#core.answer());
    this.tick(Date.now());
  }

  /** Sets the clock. @param now milliseconds since 1970 */
  tick(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#core.setTime(second);
    this.#date = this.#memory.latin1(this.#core.date(), DATE_LENGTH);
  }

  /** The value of `Date`. */
  get date(): string {
    return this.#date;
  }

  /** Copies what came from a client, from `from` on, to where `parse` reads it. @returns how much of it there was room for */
  take(bytes: Uint8Array, from: number): number {
    const length = Math.min(bytes.length - from, INPUT_BYTES);
    const part = from === 0 && length === bytes.length ? bytes : bytes.subarray(from, from + length);
    this.#memory.bytes.set(part, this.#input);
    return length;
  }

  /**
   * Reads the head that begins at `from` of what `take` took, up to `end`.
   *
   * @returns its bytes; 0 if it is not whole yet; or the status with which it is to be refused, negated
   */
  parse(from: number, end: number): number {
    const used = this.#core.parse(this.#input + from, this.#input + end);
    if (used > end - from || (used < 0 && (used > -400 || used < -599))) throw new CoreFault(`a head of ${used} bytes`);
    this.#headAt = from;
    this.#headBytes = used;
    return used;
  }

  /** The head that `parse` has read last, for `readAgain`. */
  copyOfHead(): Buffer {
    const at = this.#input + this.#headAt;
    return Buffer.from(this.#memory.bytes.subarray(at, at + this.#headBytes));
  }

  /** Reads a head that was read before, after others have been. Not while heads are being read from what a client sent. */
  readAgain(head: Buffer): void {
    const used = this.parse(0, this.take(head, 0));
    if (used !== head.length) throw new CoreFault("a head that is another when it is read again");
  }

  /** Answers the request from a site. @param flags RESPOND_* */
  respond(site: SiteHandle, flags: number): void {
    this.#core.respond(site, flags);
    this.answer.read();
  }

  /** Answers from a former release, if it has the path and its name carries a hash; else the answer stays as it was. */
  respondKept(site: SiteHandle, flags: number): boolean {
    if (this.#core.respondKept(site, flags) === 0) return false;
    this.answer.read();
    return true;
  }

  /** Answers with a built-in page, as what `parse` refused. */
  respondStatus(status: number, flags: number): void {
    this.#core.respondStatus(status, flags);
    this.answer.read();
  }

  /**
   * Takes up a site's index; `unload` gives it back. Throws CONTENT_CORRUPT if it is damaged, INTERNAL if there is no memory for it.
   *
   * @param subject what to call it in an error: the file's path
   */
  load(index: Buffer, subject = "the site index"): SiteHandle {
    checkSiteIndex(index, subject);
    const site = this.#core.siteRoom(index.length);
    this.#memory.refresh();
    if (site === 0) throw new Error(`there is no memory left for ${subject}, ${index.length} bytes`);
    if (!this.#memory.has(site, index.length)) throw new CoreFault("the room for a site");
    this.#memory.bytes.set(index, site);
    if (this.#core.siteCheck(site, index.length) === 1) return site;
    this.#core.siteFree(site);
    throw damaged(subject, "something in it leads where nothing is");
  }

  /** Gives a site's memory back. Nothing may be answered from it any more. */
  unload(site: SiteHandle): void {
    this.#core.siteFree(site);
  }

  /** Bytes of a site's index. */
  sizeOf(site: SiteHandle): number {
    return this.#memory.u32(site + SITE_AT_LENGTH);
  }

  /** The name of the place in which the answer's body lies. */
  sourceName(site: SiteHandle, source: number): string {
    const at = this.#core.sourceName(site, source);
    const length = this.#memory.u32(this.#core.answer() + ANSWER_AT_LENGTH);
    return this.#memory.latin1(at, length);
  }

  /** Bytes of memory that the core has. */
  get memoryBytes(): number {
    return this.#memory.bytes.length;
  }
}
