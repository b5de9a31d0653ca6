import { spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { createInterface } from "node:readline/promises";
import { addAbortSignal, Writable } from "node:stream";
import type { WriteStream } from "node:tty";
import { systemClock } from "../shared/clock.ts";
import { packageRoot } from "../shared/package-root.ts";
import { errno } from "../shared/errors.ts";
import { exitCode, runCommand } from "../shared/run-command.ts";
import type { Io, OutputStream } from "./io.ts";
import { runCli } from "./run-cli.ts";

/** The process of the command line: the only file of it that touches `process`. */
const PATIENCE_MS = 3000;
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    interrupt.abort(new Error("interrupted"));
    // Should something not listen to that, the signal's own way is taken.
    setTimeout(() => process.kill(process.pid, name), PATIENCE_MS).unref();
  });
}

/** Whether nobody reads our output any more. */
let hasLeft = false;

function output(stream: WriteStream): OutputStream {
  stream.on("error", (error) => {
    // `steppe logs | head`: who read has had enough, and that is no failure.
    if (errno(error) !== "EPIPE") throw error;
    hasLeft = true;
    interrupt.abort(error);
  });
  return {
    isTTY: stream.isTTY,
    columns: stream.columns ?? 80,
    async write(content) {
      if (hasLeft || stream.write(content)) return;
      await once(stream, "drain", { signal: interrupt.signal });
    },
  };
}

async function ask(question: string, { secret }: { secret: boolean }): Promise<string> {
  // readline echoes what is typed on its output: for a secret, nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: secret ? nowhere : process.stderr, terminal: true });
  // Only now that the terminal's own echo is off: who types ahead is not shown either.
  if (secret) process.stderr.write(question);
  terminal.once("SIGINT", () => interrupt.abort(new Error("interrupted")));
  try {
    // readline draws its line anew, and takes away what it does not know of.
    return await terminal.question(secret ? "" : question, { signal: interrupt.signal });
  } finally {
    terminal.close();
    if (secret) process.stderr.write("\n");
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  const input = addAbortSignal(interrupt.signal, process.stdin);
  for await (const chunk of input as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

const io: Io = {
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  uid: process.getuid?.() ?? -1,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  stdin: { isTTY: process.stdin.isTTY, read: readStdin, ask },
  clock: systemClock,
  execPath: process.execPath,
  packageRoot,
  signal: interrupt.signal,
  run: runCommand,
  async runAttached(file, args, env) {
    return await exitCode(spawn(file, [...args], { stdio: "inherit", env }));
  },
  async runDetached(file, args) {
    const child = spawn(file, [...args], { stdio: "ignore", detached: true });
    await once(child, "spawn");
    child.unref();
  },
  async connect(target) {
    if (target.url.startsWith("https:")) await trustSystemCertificates();
    const { SteppeClient } = await import("../api/client.ts");
    return new SteppeClient({ ...target, signal: interrupt.signal });
  },
};

/** So that what `steppe ca install` and the machine's owner trust is trusted here, too. */
async function trustSystemCertificates(): Promise<void> {
  const { getCACertificates, setDefaultCACertificates } = await import("node:tls");
  setDefaultCACertificates([...getCACertificates("default"), ...getCACertificates("system")]);
}

const code = await runCli(process.argv.slice(2), io);
process.exitCode = hasLeft ? 0 : code;
