import type { Clock } from "../shared/clock.ts";
import { FileChanged } from "./file-bodies.ts";
import type { AnswerOutcome } from "./file-sender.ts";
import type { FolderLooks } from "./folder-looks.ts";
import type { HttpConnection } from "./http-connection.ts";

/** A request may wait so long for the folder to be looked at again, milliseconds. */
const WAIT_MS = 1_000;

/** How an answer that took time went. */
export interface FolderOutcome extends AnswerOutcome {
  /** Of its body. */
  bytes: number;
}

/** Answers requests from a folder, as it is or, if it changes under the request, as it has become. */
export class FolderAnswers {
  readonly #looks: FolderLooks;
  readonly #clock: Clock;
  readonly #looksAgain: boolean;

  /** @param looksAgain a file that has changed is a reason to look at the folder again */
  constructor(looks: FolderLooks, clock: Clock, looksAgain: boolean) {
    this.#looks = looks;
    this.#clock = clock;
    this.#looksAgain = looksAgain;
  }

  /**
   * Answers what the core has read. To be called from `onRequest`.
   *
   * @returns undefined if it was sent at once, and is in `core.answer`; else resolves when it is over
   */
  answer(connection: HttpConnection): Promise<FolderOutcome> | undefined {
    const { core } = connection;
    const { sender, site } = this.#looks.site;
    core.respond(site, connection.respondFlags);
    const later = sender.send(connection, site, this.#looksAgain ? isChange : undefined);
    if (later === undefined) return undefined;
    return this.#orAnew(connection, core.copyOfHead(), withBytes(later, core.answer.bodyBytes));
  }

  /** Waits for an answer, and makes it anew if the file was not what the folder's index says. */
  async #orAnew(connection: HttpConnection, head: Buffer, later: Promise<FolderOutcome>): Promise<FolderOutcome> {
    try {
      const outcome = await later;
      if (!this.#looksAgain || !isChange(outcome.error)) return outcome;
      const looked = this.#looks.again();
      if (outcome.aborted) return outcome; // too late for this one
      const late = this.#clock.sleep(WAIT_MS, { unref: true });
      const hasLooked = await Promise.race([looked.then(() => true), late.then(() => false)]);
      if (connection.isClosed) return GONE;
      connection.core.tick(this.#clock.now());
      connection.core.readAgain(head);
      return await (hasLooked ? this.#anew(connection) : refuse(connection, outcome.error));
    } catch (error) {
      connection.abort();
      return { ...GONE, error };
    }
  }

  async #anew(connection: HttpConnection): Promise<FolderOutcome> {
    const { core } = connection;
    const { sender, site } = this.#looks.site;
    const { isHead } = core.request;
    core.respond(site, connection.respondFlags);
    const { status, bodyBytes } = core.answer;
    const later = sender.send(connection, site, isChange);
    if (later === undefined) return { status, aborted: false, bytes: bodyBytes };
    const outcome = await withBytes(later, bodyBytes);
    if (!isChange(outcome.error) || outcome.aborted) return outcome;
    return connection.isClosed ? GONE : refuse(connection, outcome.error, isHead);
  }
}

const GONE: FolderOutcome = { status: 0, aborted: true, bytes: 0 };

function isChange(error: unknown): boolean {
  return error instanceof FileChanged;
}

async function withBytes(later: Promise<AnswerOutcome>, bytes: number): Promise<FolderOutcome> {
  return { ...(await later), bytes };
}

/** The file is being written, or there is too much to look at: it will not take long. */
function refuse(connection: HttpConnection, error: unknown, isHead = connection.core.request.isHead): FolderOutcome {
  const text = Buffer.from("This file is being changed. Try again in a moment.\n");
  const fields = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nCache-Control: no-store\r\nRetry-After: 1\r\n`;
  connection.send("503 Service Unavailable", fields, isHead ? undefined : text);
  return { status: 503, aborted: false, bytes: isHead ? 0 : text.length, error };
}
