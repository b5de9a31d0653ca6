import type { ApiTarget, SteppeClient } from "../api/client.ts";
import type { Clock } from "../shared/clock.ts";
import type { Command, CommandResult, RunOptions } from "../shared/run-command.ts";

/** The API's client, as commands know it. */
export type Client = Pick<SteppeClient, keyof SteppeClient>;

export interface OutputStream {
  /** Resolves when more may be written. */
  write(content: string | Uint8Array): Promise<void>;
  isTTY: boolean;
  /** The width of the terminal. */
  columns: number;
}

/** Everything that a command has of the world. `main.ts` makes the real one. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The user's home folder. */
  home: string;
  /** The user's number; 0 is root. */
  uid: number;
  stdout: OutputStream;
  stderr: OutputStream;
  stdin: {
    isTTY: boolean;
    /** All of it, as text. */
    read(): Promise<string>;
    /** Asks on the terminal for a line; without echo if `secret`. */
    ask(question: string, options: { secret: boolean }): Promise<string>;
  };
  clock: Clock;
  /** The Node that runs us. */
  execPath: string;
  /** The folder of the package that we are a part of. */
  packageRoot: string;
  /** Aborted by Ctrl-C and SIGTERM. */
  signal: AbortSignal;
  /** Runs a program to its end; see shared/run-command.ts. Rejects with ENOENT if it is missing. */
  run(command: Command, options?: RunOptions): Promise<CommandResult>;
  /** Runs a program on our own standard input and output; resolves with its exit code. */
  runAttached(
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): Promise<number>;
  /** Starts a program that goes on when we end, such as a browser. Rejects if it cannot be started. */
  runDetached(file: string, args: readonly string[]): Promise<void>;
  connect(target: ApiTarget): Promise<Client>;
}
