import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface CountingProxyOptions {
  /** `http://127.0.0.1:4646` */
  upstream: string;
  /** Makes another job of each that is registered or planned. */
  rewriteJob?: ((job: Record<string, unknown>) => void) | undefined;
}

/** How often something was asked. */
export interface AskedOften {
  /** `GET /v1/job/*`; with "(waiting)", a query that is answered when something changes. */
  kind: string;
  requests: number;
  /** Not answered yet. */
  now: number;
  mostAtOnce: number;
}

/** Passes requests on, and counts them by kind: `GET /v1/job/*`. */
export class CountingProxy implements AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  /** Since `takeCounts` was called. */
  #counts = new Map<string, AskedOften>();
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.address = `http://127.0.0.1:${port}`;
    this.#close = close;
  }

  static async open({ upstream, rewriteJob }: CountingProxyOptions): Promise<CountingProxy> {
    const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
    const opened: { proxy?: CountingProxy } = {};
    const server = createServer({ keepAliveTimeout: 60_000 }, (asked, response) => {
      const { proxy } = opened;
      if (proxy !== undefined) proxy.#count(asked, response);
      pass(asked, response, { upstream, agent, rewriteJob }).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    };
    return (opened.proxy = new CountingProxy((server.address() as AddressInfo).port, close));
  }

  /** What was asked since this was called last, the most frequent first. */
  takeCounts(): Array<Readonly<AskedOften>> {
    const counts = [...this.#counts.values()];
    this.#counts = new Map(counts.map((one) => [one.kind, { ...one, requests: one.now, mostAtOnce: one.now }]));
    return counts.filter(({ requests }) => requests > 0).toSorted((a, b) => b.requests - a.requests);
  }

  #count(asked: IncomingMessage, response: ServerResponse): void {
    const kind = kindOf(asked);
    const one = this.#counts.get(kind) ?? { kind, requests: 0, now: 0, mostAtOnce: 0 };
    one.requests++;
    one.now++;
    one.mostAtOnce = Math.max(one.mostAtOnce, one.now);
    this.#counts.set(kind, one);
    response.on("close", () => {
      const current = this.#counts.get(kind);
      if (current !== undefined) current.now--;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** Where names stand in the paths of both APIs. */
const NAMED =
  /^(\/v1\/(?:job|deployment\/promote|deployment\/fail|deployment|allocation|health\/service|health\/checks|agent\/service\/deregister|agent\/check\/update|client\/fs\/logs)\/)[^/?]+/;

function kindOf({ method = "", url = "" }: IncomingMessage): string {
  const [path = "", query = ""] = url.split("?", 2);
  const isBlocking = new URLSearchParams(query).has("index");
  return `${method} ${path.replace(NAMED, "$1*")}${isBlocking ? " (waiting)" : ""}`;
}

async function pass(
  asked: IncomingMessage,
  response: ServerResponse,
  { upstream, agent, rewriteJob }: CountingProxyOptions & { agent: Agent },
): Promise<void> {
  const { method = "", url = "" } = asked;
  const chunks: Buffer[] = [];
  for await (const chunk of asked as AsyncIterable<Buffer>) chunks.push(chunk);
  const isJob =
    (method === "PUT" || method === "POST") && (/^\/v1\/jobs(\?|$)/.test(url) || /^\/v1\/job\/[^/]+\/plan/.test(url));
  const body = Buffer.concat(chunks);
  const sent = isJob && rewriteJob !== undefined ? rewritten(body, rewriteJob) : body;
  const { connection: _, "content-length": __, "transfer-encoding": ___, ...headers } = asked.headers;
  const length = sent.length > 0 ? { "content-length": String(sent.length) } : {};
  const outgoing = request(new URL(url, upstream), { method, agent, headers: { ...headers, ...length } }, (answer) => {
    const { connection: ____, "keep-alive": _____, ...kept } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, kept);
    response.flushHeaders(); // those of a stream come before anything happens
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  outgoing.end(sent);
}

function rewritten(body: Buffer, rewriteJob: (job: Record<string, unknown>) => void): Buffer {
  const call = JSON.parse(body.toString()) as { Job: Record<string, unknown> };
  rewriteJob(call.Job);
  return Buffer.from(JSON.stringify(call));
}
