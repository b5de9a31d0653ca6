import { Agent, request } from "node:http";

export interface SteadyLoadOptions {
  /** `http://127.0.0.1:9999` */
  address: string;
  host: string;
  /** Requests a second. */
  rate: number;
  /**
   * What is wrong with an answer; undefined if nothing is.
   *
   * @param oldest what `floor` gave when the request was sent
   */
  complaint(answer: { status: number; body: string }, oldest: number): string | undefined;
  /** The oldest version that may be answered to a request that is sent now. */
  floor(): number;
}

const TICK_MS = 5;
const ANSWER_MS = 10_000;
/** On a machine that cannot keep the pace, no more are sent than this, and the pace is what comes of it. */
const MOST_UNDER_WAY = 256;
/** As a few browsers that stay. */
const KEPT_CONNECTIONS = 64;

/** Requests at a pace, whether or not those before were answered: half of them on connections that are kept, half on new ones. */
export class SteadyLoad implements AsyncDisposable {
  /** One line each, with its time. */
  readonly problems: string[] = [];
  /** How often each thing went wrong. */
  readonly kinds = new Map<string, number>();
  requests = 0;
  /** Of the slowest answer, milliseconds. */
  slowest = 0;
  readonly #options: SteadyLoadOptions;
  readonly #kept = new Agent({ keepAlive: true, maxSockets: KEPT_CONNECTIONS });
  readonly #underWay = new Set<Promise<void>>();
  readonly #begin = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#catchUp(), TICK_MS);
  }

  /** Resolves when what was asked is answered. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    this.#kept.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #catchUp(): void {
    const due = ((performance.now() - this.#begin) / 1000) * this.#options.rate;
    while (this.#sent < due && this.#underWay.size < MOST_UNDER_WAY) {
      const visit = this.#visit(this.#sent++ % 2 === 0);
      this.#underWay.add(visit);
      void visit.finally(() => this.#underWay.delete(visit));
    }
  }

  async #visit(isKept: boolean): Promise<void> {
    const oldest = this.#options.floor();
    const begin = performance.now();
    const kind = isKept ? "kept-alive" : "new connection";
    try {
      const answer = await this.#ask(isKept);
      const complaint = this.#options.complaint(answer, oldest);
      if (complaint !== undefined) this.#note(`${kind}: ${complaint}`, begin);
    } catch (error) {
      this.#note(`${kind}: ${error instanceof Error ? error.message : String(error)}`, begin);
    }
    this.requests++;
    this.slowest = Math.max(this.slowest, performance.now() - begin);
  }

  #note(what: string, begin: number): void {
    this.kinds.set(what, (this.kinds.get(what) ?? 0) + 1);
    const now = new Date().toISOString();
    this.problems.push(`${now} after ${(performance.now() - begin).toFixed(0)} ms, ${what}`);
  }

  #ask(isKept: boolean): Promise<{ status: number; body: string }> {
    const { address, host } = this.#options;
    const { hostname, port } = new URL(address);
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const agent = isKept ? this.#kept : false;
    const asking = request({ hostname, port, path: "/", agent, headers: { host }, timeout: ANSWER_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asking.on("timeout", () => asking.destroy(new Error(`not answered in ${ANSWER_MS} ms`)));
    asking.on("error", reject);
    asking.end();
    return promise;
  }
}
