import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SteppeClient } from "../api/client.ts";
import type { AppView, Deployment, DeploymentEvent } from "../api/types.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import { FakeClock } from "../shared/clock.ts";
import { type ErrorCode, errorCodes } from "../shared/errors.ts";
import type { Io, OutputStream } from "./io.ts";
import { runCli } from "./run-cli.ts";

/** What a test's API answers: a JSON body, a text, or a function of request, response and the request's body. */
export type Route = unknown;

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A user with a home and a working folder, and an API that answers as it is told: for tests of the command line. */
export class FakeWorld implements AsyncDisposable {
  #running: string[] = [];
  readonly folder: string;
  readonly clock = new FakeClock();
  readonly interrupt = new AbortController();
  /** `METHOD /path` (without the query) to what is answered. */
  readonly routes = new Map<string, Route>();
  /** What was asked: `METHOD /path?query` and the body. */
  readonly requests: Array<[string, unknown]> = [];
  readonly env: Record<string, string | undefined> = {};
  isTerminal = false;
  /** What the user types, in turn. */
  answers: string[] = [];
  stdin = "";
  overrides: Partial<Io> = {};
  readonly #server: Server;

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "steppe-cli-"));
    mkdirSync(join(this.folder, "work"));
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** An API that runs on `./.steppe` of the working folder. */
  static async make(): Promise<FakeWorld> {
    const world = new FakeWorld();
    await new Promise<void>((resolve) => world.#server.listen(0, "127.0.0.1", resolve));
    world.write(".steppe/run/addresses.json", JSON.stringify({ api: world.url }));
    world.write(".steppe/token", "the-token\n");
    return world;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Writes a file into the working folder, and returns its path. */
  write(path: string, content: string): string {
    const file = join(this.folder, "work", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  /** What the command that runs has printed so far. */
  get printed(): string {
    return this.#running.join("");
  }

  async run(...args: string[]): Promise<Outcome> {
    const stdout: string[] = [];
    const stderr: string[] = [];
    this.#running = stdout;
    const code = await runCli(args, this.io(stdout, stderr));
    return { code, stdout: stdout.join(""), stderr: stderr.join("") };
  }

  io(stdout: string[], stderr: string[]): Io {
    const stream = (chunks: string[]): OutputStream => ({
      isTTY: this.isTerminal,
      columns: 80,
      write: async (content) =>
        void chunks.push(typeof content === "string" ? content : Buffer.from(content).toString()),
    });
    const refuse = async (): Promise<never> => {
      throw Object.assign(new Error("spawn ENOENT"), { code: "ENOENT" });
    };
    return {
      env: this.env,
      cwd: join(this.folder, "work"),
      home: join(this.folder, "home"),
      uid: 1000,
      stdout: stream(stdout),
      stderr: stream(stderr),
      stdin: {
        isTTY: this.isTerminal,
        read: async () => this.stdin,
        ask: async (question) => {
          stderr.push(question);
          return this.answers.shift() ?? "";
        },
      },
      clock: this.clock,
      execPath: process.execPath,
      packageRoot: this.folder,
      signal: this.interrupt.signal,
      run: refuse,
      runAttached: refuse,
      runDetached: refuse,
      connect: async (target) => new SteppeClient(target),
      ...this.overrides,
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { pathname } = new URL(request.url ?? "", "http://x");
    const isJson = request.headers["content-type"] === "application/json";
    this.requests.push([`${request.method} ${request.url}`, isJson ? JSON.parse(body) : body]);
    const route = this.routes.get(`${request.method} ${pathname}`);
    if (request.headers.authorization !== "Bearer the-token")
      answerError(response, "TOKEN_WRONG", "the token is wrong");
    else if (typeof route === "function") (route as (...args: unknown[]) => void)(request, response, body);
    else if (route === undefined) answerError(response, "NOT_FOUND", `no ${request.method} ${pathname}`);
    else response.end(typeof route === "string" ? route : JSON.stringify(route));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true });
  }
}

export function answerError(response: ServerResponse, code: ErrorCode, cause: string, subject = "blog"): void {
  const { status, hint } = errorCodes[code];
  response.writeHead(status).end(JSON.stringify({ code, operation: "find", subject, cause, hint }));
}

export const blog = testDefinition("blog", { tags: ["v*"] });

const NOW = Date.UTC(2026, 0, 1);

export const live: Deployment = {
  id: 7,
  app: "blog",
  source: { kind: "ref", ref: "refs/tags/v2", commit: "c".repeat(40) },
  state: "live",
  image: `sha256:${"a".repeat(64)}`,
  release: 2,
  error: null,
  noGrace: false,
  byItself: true,
  approvedAt: null,
  hold: null,
  requestId: "r",
  createdAt: NOW - 300_000,
  finishedAt: NOW - 299_000,
};

export const failed: Deployment = {
  ...live,
  id: 8,
  state: "failed",
  error: {
    code: "BUILD_FAILED",
    operation: "build",
    subject: "blog@v3",
    cause: "the command exited with 1",
    hint: "See the log.",
    detail: "line one\nline two",
  },
};

export const view: AppView = {
  definition: blog,
  liveRelease: 2,
  urls: ["http://blog.localhost:8080", "https://blog.localhost:8443"],
  pushUrl: "http://x:push-token@127.0.0.1:7070/git/blog.git",
  createdAt: NOW,
  updatedAt: NOW,
  tagsUnread: null,
  paused: null,
  drifted: null,
  lastDeployment: live,
};

export function event(
  seq: number,
  name: DeploymentEvent["event"],
  message: string,
  elapsedMs = seq * 10,
): DeploymentEvent {
  return { deployment: 7, app: "blog", seq, at: NOW, event: name, message, elapsedMs };
}

/** Events as they go over the wire. */
export function lines(...events: DeploymentEvent[]): string {
  return events.map((one) => `${JSON.stringify(one)}\n`).join("");
}
