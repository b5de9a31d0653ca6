import { STATUS_CODES } from "node:http";
import { oneLine } from "../one-line.ts";

export interface UnexpectedAnswerParts {
  /** Who answered: `127.0.0.1:8500`. */
  server: string;
  status: number;
  /** What came, of a length that is bounded; empty if it could not be read. */
  body: string;
  /** The statuses that would have been no error. */
  expected: readonly number[];
  /** How long it asks to wait, milliseconds. */
  waitMs?: number | undefined;
}

/** An answer whose status is not one of those that were expected, with all that a reader of the error may want. */
export class UnexpectedAnswer extends Error {
  readonly server: string;
  readonly status: number;
  readonly body: string;
  readonly expected: readonly number[];
  readonly waitMs: number | undefined;

  constructor({ server, status, body, expected, waitMs }: UnexpectedAnswerParts) {
    const said = saidBy(body);
    const later = waitMs === undefined ? "" : ` (try again in ${Math.ceil(waitMs / 1000)} s)`;
    super(`${server} answered ${status} ${STATUS_CODES[status] ?? ""}${said === "" ? "" : `: ${said}`}${later}`);
    this.server = server;
    this.status = status;
    this.body = body;
    this.expected = expected;
    this.waitMs = waitMs;
  }

  /** What the server said, in one line; nothing of a page that a proxy made. */
  get said(): string {
    return saidBy(this.body);
  }
}

function saidBy(body: string): string {
  return body.trimStart().startsWith("<") ? "" : oneLine(body);
}
