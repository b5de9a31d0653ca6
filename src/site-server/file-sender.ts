import type { CoreHost, SiteHandle } from "./core-host.ts";
import { RESPOND_CLOSE } from "./core/layout.ts";
import { CoreFault } from "./core-memory.ts";
import type { BodyRange, CachedBody, FileBodies } from "./file-bodies.ts";
import type { HttpConnection } from "./http-connection.ts";

/** What a source may be called: a plain name in the folder of packs. Nothing that an index says may lead out of it. */
const PACK = /^[A-Za-z0-9][\w.-]*$/;
/** Bodies that are found by the address of their form. */
const MOST_FOUND = 16_384;

/** How an answer that took time went. */
export interface AnswerOutcome {
  status: number;
  /** What the client got is not the whole: it went away, or the body could not be read to its end. */
  aborted: boolean;
  error?: unknown;
}

/** Tells in which file of the folder the body lies that the core has answered with. Throws CoreFault. */
export type Locate = (core: CoreHost, site: SiteHandle) => string;

/** The body lies in a pack: the folder is that of packs. */
export function inPack(core: CoreHost, site: SiteHandle): string {
  const name = core.sourceName(site, core.answer.source);
  if (!PACK.test(name)) throw new CoreFault("a source that is no pack");
  return name;
}

const never = (): boolean => false;

/** Sends what the core has answered, bodies out of files included. */
export class FileSender {
  readonly #core: CoreHost;
  readonly #bodies: FileBodies;
  readonly #locate: Locate;
  /** By the address of a form's record: the way to a body without any text. */
  readonly #found = new Map<number, CachedBody>();

  constructor(core: CoreHost, bodies: FileBodies, locate: Locate) {
    this.#core = core;
    this.#bodies = bodies;
    this.#locate = locate;
  }

  /** A site was unloaded: its addresses may be another's from now on. */
  forget(): void {
    this.#found.clear();
  }

  /**
   * Sends the answer that the core has made from a site. Whatever goes wrong before the head is sent becomes a 500; after it, the
   * connection is ended, so that no client takes half a file for the whole.
   *
   * @param isLeft whether a body that cannot be read is left to the caller to answer, instead of by a 500: the outcome has the status 0 then, and is not aborted
   * @returns undefined if it was sent at once; else resolves when it is over. For the log
   */
  send(
    connection: HttpConnection,
    site: SiteHandle,
    isLeft: (error: unknown) => boolean = never,
  ): Promise<AnswerOutcome> | undefined {
    const { answer } = this.#core;
    if (answer.bytes === 0) {
      connection.sendAnswer();
      return undefined;
    }
    const body = answer.isWhole ? this.#find(site) : undefined;
    if (body === undefined) return this.#read(connection, this.range(site), isLeft);
    connection.sendAnswer(body.bytes);
    return undefined;
  }

  /** Where the body lies that the core has answered with. */
  range(site: SiteHandle): BodyRange {
    const { answer } = this.#core;
    return { file: this.#locate(this.#core, site), offset: answer.offset, size: answer.bytes };
  }

  #find(site: SiteHandle): CachedBody | undefined {
    const { answer } = this.#core;
    const { formRecord } = answer;
    const found = this.#found.get(formRecord);
    if (found !== undefined && !found.isGone) {
      found.wasUsed = true;
      return found;
    }
    if (answer.bytes > this.#bodies.smallBytes) return undefined;
    const body = this.#bodies.cached(this.range(site));
    if (body === undefined) return undefined;
    if (this.#found.size >= MOST_FOUND) this.#found.clear();
    this.#found.set(formRecord, body);
    return body;
  }

  async #read(
    connection: HttpConnection,
    range: BodyRange,
    isLeft: (error: unknown) => boolean,
  ): Promise<AnswerOutcome> {
    const { status, closes } = this.#core.answer;
    const head = this.#core.answer.copyOfHead();
    const isSmall = range.size <= this.#bodies.smallBytes;
    connection.begin(!isSmall);
    const progress = { isSent: false };
    try {
      if (isSmall) await this.#sendSmall(connection, head, range, progress);
      else await this.#stream(connection, head, range, progress);
      if (connection.isClosed) return { status: progress.isSent ? status : 0, aborted: true };
      connection.finish(closes);
      return { status, aborted: false };
    } catch (error) {
      if (progress.isSent) connection.abort();
      else if (isLeft(error)) return { status: 0, aborted: false, error };
      else this.#sendUnreadable(connection);
      return { status: progress.isSent ? status : 500, aborted: progress.isSent, error };
    }
  }

  async #sendSmall(
    connection: HttpConnection,
    head: Buffer,
    range: BodyRange,
    progress: { isSent: boolean },
  ): Promise<void> {
    const { bytes } = await this.#bodies.readSmall(range);
    progress.isSent = true;
    connection.writer.write(Buffer.concat([head, bytes]));
  }

  /** The head waits for the first bytes, so that a file that cannot be read is still an honest 500. */
  async #stream(
    connection: HttpConnection,
    head: Buffer,
    range: BodyRange,
    progress: { isSent: boolean },
  ): Promise<void> {
    for await (const chunk of this.#bodies.chunks(range)) {
      if (connection.isClosed) return;
      if (!progress.isSent) connection.writer.write(head);
      progress.isSent = true;
      await connection.writer.writeLent(chunk);
    }
  }

  #sendUnreadable(connection: HttpConnection): void {
    if (connection.isClosed) return;
    this.#core.respondStatus(500, RESPOND_CLOSE);
    connection.sendAnswer();
  }
}
