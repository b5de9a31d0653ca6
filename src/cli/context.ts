import { SteppeError } from "../shared/errors.ts";
import type { CommonOptions } from "./common-options.ts";
import { findServer } from "./find-server.ts";
import type { Client, Io } from "./io.ts";
import { printablePainted, type Style, styleFor } from "../shared/style.ts";

/** What a command works with: the world, and ways to say something. */
export class Context {
  readonly io: Io;
  /** For standard output. */
  readonly style: Style;
  /** What the command ends with, if it is neither done nor failed by an error. */
  exitCode = 0;

  constructor(io: Io) {
    this.io = io;
    this.style = styleFor(io.stdout, io.env);
  }

  /** A line, or several, for people, on standard output. A terminal obeys nothing in it but our colours: much of it is what others wrote. */
  async print(text: string): Promise<void> {
    await this.io.stdout.write(`${this.io.stdout.isTTY ? printablePainted(text) : text}\n`);
  }

  /** One JSON document, or one line of NDJSON, on standard output. */
  async printJson(document: unknown): Promise<void> {
    await this.io.stdout.write(`${JSON.stringify(document)}\n`);
  }

  /** A line for people on standard error: what does not belong to the answer. */
  async note(text: string): Promise<void> {
    await this.io.stderr.write(`${this.io.stderr.isTTY ? printablePainted(text) : text}\n`);
  }

  /** A client of the server that is meant. Throws API_UNREACHABLE, TOKEN_MISSING. */
  async client(options: CommonOptions): Promise<Client> {
    return await this.io.connect(findServer(this.io, options.data));
  }

  /**
   * Asks before something that cannot be undone. Throws USAGE if there is nobody to ask, or the answer is no.
   *
   * @param subject what it is done to, for the error: "remove app blog"
   */
  async confirm(question: string, subject: string, yes: boolean | undefined): Promise<void> {
    if (yes === true) return;
    const refuse = (cause: string, detail?: string): never => {
      const hint = "Give `--yes` to do it without asking.";
      throw new SteppeError("USAGE", { operation: "run", subject, cause, hint, detail });
    };
    if (!this.io.stdin.isTTY || !this.io.stderr.isTTY)
      refuse("it has to be confirmed, and this is no terminal", question);
    const answer = await this.io.stdin.ask(`${question} [y/N] `, { secret: false });
    if (!/^y(es)?$/i.test(answer.trim())) refuse("it was not confirmed");
  }
}
