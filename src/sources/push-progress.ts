import type { Clock } from "../shared/clock.ts";
import { terminalControls } from "../shared/style.ts";
import type { GitAnswer } from "./git-answer.ts";
import { bandPackets } from "./pkt-line.ts";

/** So much may wait for a slow client before lines are left out. */
const MOST_WAITING = 1024 * 1024;
const KEEP_ALIVE_MS = 5000;
/** Band 1 with nothing in it, as git's own servers send it; no client shows it. */
const KEEP_ALIVE = bandPackets(1, new Uint8Array());
const MOST_IN_A_LINE = 4096;

/** Writes to a git client in order: git's own packets, and lines of progress between them. */
export class PushProgress {
  readonly #answer: GitAnswer;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(answer: GitAnswer) {
    this.#answer = answer;
  }

  /** Resolves when the client has taken it. */
  send(bytes: Uint8Array): Promise<void> {
    this.#waiting += bytes.length;
    this.#last = this.#last.then(async () => {
      await this.#answer.write(bytes);
      this.#waiting -= bytes.length;
    });
    return this.#last;
  }

  /** Shows a line to the person who pushes, as `remote: LINE`. Returns at once; a client that does not read misses lines. */
  say(line: string): void {
    const text = printable(line);
    if (this.#waiting < MOST_WAITING) void this.send(bandPackets(2, Buffer.from(`${text}\n`)));
  }

  /** Keeps the connection, and whatever lies between, from giving up while `work` goes on. */
  async keepAliveDuring(work: Promise<void>, clock: Clock): Promise<void> {
    const done = new AbortController();
    const beat = async (): Promise<void> => {
      while (!done.signal.aborted) {
        await clock.sleep(KEEP_ALIVE_MS, { signal: done.signal, unref: true });
        if (this.#waiting === 0) void this.send(KEEP_ALIVE);
      }
    };
    const beating = beat().catch((error: unknown) => {
      if (!done.signal.aborted) throw error;
    });
    try {
      await work;
    } finally {
      done.abort();
      await beating;
    }
  }
}

/** Without what could steer the terminal on which it is shown: a build's output is not ours. */
function printable(line: string): string {
  return line
    .replace(/\u001b(\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)?|.)/g, "")
    .replace(/\t/g, "    ")
    .replace(terminalControls, " ")
    .slice(0, MOST_IN_A_LINE);
}
