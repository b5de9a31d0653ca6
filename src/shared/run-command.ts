import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { errno } from "./errors.ts";

/** A program and its arguments: always a list, never a line for a shell. */
export interface Command {
  file: string;
  args: readonly string[];
  cwd?: string;
  /** The whole environment of the program; nothing is inherited unless it is in here. */
  env?: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. */
  input?: string | Uint8Array;
}

export interface RunOptions {
  /** Ends the whole process group: SIGTERM, and after `graceMs` SIGKILL. The promise then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds between SIGTERM and SIGKILL. Default 2,000. */
  graceMs?: number;
  /** How many bytes of standard output to keep; more is an OutputTooLong. Default 64 MiB. */
  maxOutput?: number;
}

export interface CommandResult {
  /** The exit code, or 128 + the number of the signal that ended it, as a shell says it. */
  code: number;
  stdout: Buffer;
  /** The last 64 KiB of standard error. */
  stderr: string;
}

/** A program printed more than was allowed; it was ended. */
export class OutputTooLong extends Error {}

const STDERR_KEPT = 64 * 1024;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/**
 * Runs a program to its end in a process group of its own and collects what it prints.
 * A program that is missing rejects with ENOENT; one that fails resolves with its code.
 */
export async function runCommand(command: Command, options: RunOptions = {}): Promise<CommandResult> {
  const { signal, maxOutput = 64 * 1024 * 1024 } = options;
  signal?.throwIfAborted();
  const child = spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: command.env ?? {},
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stop = (): void => killGroup(child, options.graceMs);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    child.stdin.on("error", () => {}); // EPIPE: the program did not read its input; its exit code tells the rest
    child.stdin.end(command.input);
    const [code, stdout, stderr] = await Promise.all([
      exitCode(child),
      collect(child.stdout, maxOutput, stop),
      collectTail(child.stderr),
    ]);
    signal?.throwIfAborted();
    return { code, stdout, stderr };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Resolves when the child and its pipes are closed; rejects if it could not be started. */
export function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signalName) => resolve(code ?? 128 + (SIGNAL_NUMBERS[signalName ?? ""] ?? 0)));
  });
}

/** Ends a child that leads a process group, with all of the group: SIGTERM now, SIGKILL after `graceMs`. */
export function killGroup(child: ChildProcess, graceMs = 2000): void {
  if (child.pid === undefined) return;
  const pid = child.pid;
  sendToGroup(pid, "SIGTERM");
  const timer = setTimeout(() => sendToGroup(pid, "SIGKILL"), graceMs);
  child.once("close", () => {
    clearTimeout(timer);
    sendToGroup(pid, "SIGKILL"); // what the leader left behind
  });
}

function sendToGroup(pid: number, signalName: NodeJS.Signals): void {
  try {
    process.kill(-pid, signalName);
  } catch (error) {
    if (errno(error) !== "ESRCH") throw error;
  }
}

async function collect(stream: Readable, limit: number, stop: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      stop();
      throw new OutputTooLong(`the program printed more than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

async function collectTail(stream: Readable): Promise<string> {
  let tail = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    tail = Buffer.concat([tail, chunk]).subarray(-STDERR_KEPT);
  }
  return tail.toString("utf8");
}
