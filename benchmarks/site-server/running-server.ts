import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { processTree } from "../lib/processes.ts";
import { ask } from "./ask.ts";
import type { Run } from "./configuration.ts";
import type { ServerKind } from "./servers.ts";

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 5_000;

/** A server that runs, on one core. */
export class RunningServer implements AsyncDisposable {
  readonly url: string;
  /** Milliseconds from its start to its first answer. */
  readonly firstAnswer: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, firstAnswer: number) {
    this.#child = child;
    this.url = url;
    this.firstAnswer = firstAnswer;
  }

  /** Starts it and asks from the first moment. Throws if it ends, or does not answer in time. */
  static async start(kind: ServerKind, run: Omit<Run, "port">, core: number): Promise<RunningServer> {
    const port = await freePort();
    const { file, args } = kind.command({ ...run, port });
    const output = openSync(join(run.temporary, "output.log"), "w");
    const begin = performance.now();
    const child = spawn("taskset", ["-c", String(core), file, ...args], {
      stdio: ["ignore", output, output],
      env: { ...process.env, HOME: run.temporary }, // nothing is kept
    });
    closeSync(output);
    const url = `${run.features.has("tls") ? "https" : "http"}://127.0.0.1:${port}`;
    while (!(await answers(url))) {
      const isLate = performance.now() - begin > START_LIMIT_MS;
      if (isLate || child.exitCode !== null || child.signalCode !== null) {
        child.kill("SIGKILL");
        throw new Error(`${kind.name} does not answer: ${readFileSync(join(run.temporary, "output.log"), "utf8")}`);
      }
      // A look costs the server time too: not without a pause.
      await new Promise((resolve) => setTimeout(resolve, 0.5));
    }
    return new RunningServer(child, url, performance.now() - begin);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its processes now. */
  pids(): number[] {
    return processTree(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) throw new Error(`${this.url} ended with ${exitCode ?? signalCode}`);
    const rest = this.pids();
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => {
      for (const pid of rest) kill(pid);
    }, STOP_LIMIT_MS);
    await exit;
    clearTimeout(timer);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has ended
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await ask(`${url}/1k.html`);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ECONNREFUSED" && code !== "ECONNRESET") throw error;
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
