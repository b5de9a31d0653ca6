import type { IncomingHttpHeaders } from "node:http";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { killGroup } from "../shared/run-command.ts";
import { CgiHeadReader } from "./cgi-head.ts";
import { drained } from "./drained.ts";
import { type Git, gitFailed, type GitProcess } from "./git.ts";
import type { GitAnswer } from "./git-answer.ts";
import { encodePacket, FLUSH, PktLineReader } from "./pkt-line.ts";
import { PushProgress } from "./push-progress.ts";
import { PushReport } from "./push-report.ts";
import { PushRequest } from "./push-request.ts";

/** A request of a git client, after its token was found to be right. */
export interface GitRequest {
  app: string;
  method: string;
  /** What follows `/git/APP.git` in the address: `/info/refs`, `/git-upload-pack`, `/git-receive-pack`. */
  path: string;
  /** Without the `?`. */
  query: string;
  headers: IncomingHttpHeaders;
  body: AsyncIterable<Uint8Array>;
  answer: GitAnswer;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
  /**
   * Called once when refs may have changed, while the client is kept waiting until it resolves. `say` shows the client a line. The
   * signal aborts when nobody listens any more; what was pushed is there all the same.
   */
  onReceived?: (say: (line: string) => void, signal: AbortSignal) => Promise<void>;
}

export interface GitLimits {
  /** The largest body of a request, in bytes, unpacked. */
  maxBytes: number;
  /** Milliseconds for the transfer, without what `onReceived` takes. */
  timeoutMs: number;
  /** Milliseconds in which nothing at all moves. */
  idleMs: number;
}

export const DEFAULT_LIMITS: Readonly<GitLimits> = {
  maxBytes: 8 * 1024 ** 3,
  timeoutMs: 2 * 3600_000,
  idleMs: 5 * 60_000,
};

export interface GitContext {
  git: Git;
  /** The folder with the repositories. */
  root: string;
  clock: Clock;
  limits: GitLimits;
}

/** What git keeps in memory of a request, in bytes: the refs that a push changes, or what a fetch wants and has. Enough for 100,000 of them. */
const MOST_LIST = 16 * 1024 * 1024;

/** Milliseconds that a push which broke off has to tidy up. */
const TIDYING_MS = 10_000;

type Service = "git-upload-pack" | "git-receive-pack";

/**
 * Answers one request of git's smart HTTP through `git http-backend`, a CGI program (RFC 3875), streaming both ways.
 * https://git-scm.com/docs/gitprotocol-http, https://git-scm.com/docs/git-http-backend
 *
 * Resolves when the answer has ended. Throws what `onReceived` threw, when the answer has ended; and NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE, GIT_MISSING and GIT_FAILED; if
 * the answer had begun by then, it was broken off.
 */
export async function serveGit(context: GitContext, request: GitRequest): Promise<void> {
  const service = chooseService(request);
  refuseTooLarge(request, context.limits.maxBytes);
  await new GitExchange(context, request, service).run();
}

/** One request on its way through git. */
class GitExchange {
  readonly #context: GitContext;
  readonly #request: GitRequest;
  readonly #process: GitProcess;
  readonly #progress: PushProgress;
  /** Only of a push. */
  readonly #push: PushRequest | undefined;
  #report: PushReport | undefined;
  #bodyEnded = false;
  #started = false;
  #stopped: Error | undefined;
  readonly #whenStopped = Promise.withResolvers<void>();
  #received: Promise<void> | undefined;
  readonly #timers: NodeJS.Timeout[];

  constructor(context: GitContext, request: GitRequest, service: Service) {
    const { git, root, limits } = context;
    this.#context = context;
    this.#request = request;
    this.#push = service === "git-receive-pack" && request.method === "POST" ? new PushRequest() : undefined;
    this.#progress = new PushProgress(request.answer);
    this.#process = git.start({ args: ["http-backend"], env: cgiEnvironment(root, request) });
    this.#timers = [
      setTimeout(() => this.#stop(new Error("nothing moved for too long")), limits.idleMs),
      setTimeout(() => this.#stop(new Error("it took too long")), limits.timeoutMs),
    ];
  }

  async run(): Promise<void> {
    const { signal, answer, app } = this.#request;
    const onGone = (): void => {
      // What was received wholly is finished, whether or not the client waits for it.
      if (this.#push === undefined || !this.#bodyEnded) this.#stop(new Error("the client went away"));
    };
    signal.addEventListener("abort", onGone);
    if (signal.aborted) onGone();
    try {
      const sending = this.#sendBody().catch((error: unknown) => this.#stop(error));
      const answering = this.#takeAnswer().catch((error: unknown) => this.#stop(error));
      await Promise.race([sending, this.#whenStopped.promise]); // a body that stands still never ends
      await answering;
      const code = await this.#process.exited;
      for (const timer of this.#timers) clearTimeout(timer);
      await this.#finish(code);
    } catch (error) {
      if (this.#started) answer.destroy();
      throw error instanceof SteppeError ? error : gitFailure(app, error);
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      signal.removeEventListener("abort", onGone);
    }
    await this.#received; // the answer is whole by now; what failed after the push is the caller's to know
  }

  async #sendBody(): Promise<void> {
    const { stdin } = this.#process.child;
    let closed = false;
    stdin.on("error", () => {}).on("close", () => (closed = true)); // git may answer without reading all; its answer says why
    const { app } = this.#request;
    const maxBytes = this.#push === undefined ? MOST_LIST : this.#context.limits.maxBytes;
    let bytes = 0;
    for await (const chunk of plainBody(this.#request)) {
      this.#timers[0]?.refresh();
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(app, maxBytes);
      this.#push?.feed(chunk);
      if (this.#push !== undefined && this.#push.listBytes > MOST_LIST) {
        const cause = `the list of refs to change is longer than ${MOST_LIST} bytes`;
        throw new SteppeError("BODY_TOO_LARGE", { operation: "push", subject: app, cause });
      }
      if (!closed && !stdin.write(chunk)) await drained(stdin);
    }
    this.#bodyEnded = true;
    stdin.end();
  }

  async #takeAnswer(): Promise<void> {
    const headReader = new CgiHeadReader();
    let take: ((chunk: Buffer) => Promise<void>) | undefined;
    for await (const chunk of this.#process.child.stdout as AsyncIterable<Buffer>) {
      this.#timers[0]?.refresh();
      if (take !== undefined) {
        await take(chunk);
        continue;
      }
      const begun = headReader.feed(chunk);
      if (begun === undefined) continue;
      this.#started = true;
      this.#request.answer.start(begun.head.status, begun.head.headers);
      const isReport = this.#push !== undefined && begun.head.status === 200;
      take = isReport ? this.#reportTaker(this.#push) : (bytes) => this.#progress.send(bytes);
      await take(begun.body);
    }
  }

  /** Passes the packets of a push's answer on, and holds the last back: the client waits for it. */
  #reportTaker(push: PushRequest): (chunk: Buffer) => Promise<void> {
    const packets = new PktLineReader();
    return async (chunk) => {
      this.#report ??= new PushReport(push.sideBand);
      packets.feed(chunk);
      for (let packet = packets.next(); packet !== undefined; packet = packets.next()) {
        this.#report.see(packet);
        if (packet.kind !== "flush") await this.#progress.send(encodePacket(packet));
      }
      if (this.#report.complete && this.#report.accepted > 0) this.#tellReceived();
    };
  }

  #tellReceived(): void {
    if (this.#received !== undefined) return;
    const { onReceived, signal } = this.#request;
    const say = (line: string): void => {
      if (this.#push?.sideBand === true && !signal.aborted && this.#started) this.#progress.say(line);
    };
    this.#received = Promise.resolve(onReceived?.(say, signal));
    this.#received.catch(() => {}); // thrown by run, when the answer has ended
  }

  /** Git has ended. Waits for what the push led to, and ends the answer. */
  async #finish(code: number): Promise<void> {
    const { answer, app } = this.#request;
    const push = this.#push;
    const refused = this.#report?.complete === true && this.#report.accepted === 0;
    if (push !== undefined && push.commands > 0 && !refused) this.#tellReceived();
    if (this.#received !== undefined) {
      const received = this.#received.catch(() => {}); // thrown by run, when the answer has ended
      const canWait = push?.sideBand === true && this.#started && this.#stopped === undefined;
      await (canWait ? this.#progress.keepAliveDuring(received, this.#context.clock) : received);
    }
    if (this.#stopped !== undefined) throw this.#stopped;
    if (!this.#started) {
      throw gitFailed("GIT_FAILED", "serve", app, { code, stderr: this.#process.stderr() });
    }
    // Where a client asked for a report or bands, a flush ends it: https://git-scm.com/docs/gitprotocol-pack
    if (this.#report !== undefined && (push?.sideBand === true || push?.reportsStatus === true)) {
      const timer = setTimeout(() => answer.destroy(), this.#context.limits.idleMs);
      await this.#progress.send(FLUSH);
      clearTimeout(timer);
    }
    answer.end();
  }

  #stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason instanceof Error ? reason : new Error(String(reason));
    if (this.#process.child.exitCode === null) this.#endProcess();
    if (this.#started) this.#request.answer.destroy(); // nor does a client that does not read
    this.#whenStopped.resolve();
  }

  /** A push that finds no more input gives up by itself and takes away what it had unpacked; one that is killed may leave that behind. */
  #endProcess(): void {
    const { child } = this.#process;
    if (this.#push === undefined) return killGroup(child);
    child.stdin.destroy();
    this.#timers.push(setTimeout(() => killGroup(child), TIDYING_MS));
  }
}

function chooseService({ app, method, path, query }: GitRequest): Service {
  const asked = path === "/info/refs" ? /^service=(git-(?:upload|receive)-pack)$/.exec(query)?.[1] : path.slice(1);
  if (asked !== "git-upload-pack" && asked !== "git-receive-pack") {
    const hint = "Only git's smart HTTP is spoken here: use git 1.6.6 or newer.";
    throw new SteppeError("NOT_FOUND", {
      operation: "serve",
      subject: `${app}${path}`,
      cause: "there is no such page",
      hint,
    });
  }
  const wanted = path === "/info/refs" ? "GET" : "POST";
  if (method !== wanted) {
    const cause = `it takes ${wanted}, not ${method}`;
    throw new SteppeError("METHOD_NOT_ALLOWED", { operation: "serve", subject: `${app}${path}`, cause });
  }
  return asked;
}

/** https://www.rfc-editor.org/rfc/rfc3875#section-4.1. Without CONTENT_LENGTH the program reads to the end of its input. */
function cgiEnvironment(root: string, { app, method, path, query, headers }: GitRequest): Record<string, string> {
  const protocol = headers["git-protocol"];
  return {
    GATEWAY_INTERFACE: "CGI/1.1",
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_SOFTWARE: "steppe",
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    REQUEST_METHOD: method,
    PATH_INFO: `/${app}.git${path}`,
    QUERY_STRING: query,
    REMOTE_USER: "steppe",
    CONTENT_TYPE: headers["content-type"] ?? "",
    ...(typeof protocol === "string" && /^[\w=:.,-]{1,200}$/.test(protocol) ? { GIT_PROTOCOL: protocol } : {}),
  };
}

/** The body, unpacked here rather than by git so that its size is bounded. */
function plainBody({ app, body, headers }: GitRequest): AsyncIterable<Uint8Array> {
  const encoding = headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return body;
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    const cause = `the body's encoding is ${JSON.stringify(encoding)}; gzip is understood`;
    throw new SteppeError("USAGE", { operation: "serve", subject: app, cause });
  }
  const gunzip = createGunzip();
  pipeline(Readable.from(body), gunzip, () => {}); // an error ends the iteration over gunzip
  return gunzip;
}

function refuseTooLarge({ app, headers }: GitRequest, maxBytes: number): void {
  if (Number(headers["content-length"] ?? 0) > maxBytes) throw tooLarge(app, maxBytes);
}

function tooLarge(app: string, maxBytes: number): SteppeError {
  const cause = `the request is larger than ${maxBytes} bytes`;
  return new SteppeError("BODY_TOO_LARGE", { operation: "push", subject: app, cause });
}

function gitFailure(app: string, error: unknown): SteppeError {
  const cause = error instanceof Error ? error.message : String(error);
  return new SteppeError("GIT_FAILED", { operation: "serve", subject: app, cause }, { cause: error });
}
