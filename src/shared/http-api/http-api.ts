import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import { backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import { Deadline } from "../http/deadline.ts";
import { parseRetryAfter } from "../http/header-fields.ts";
import type { RetryPolicy } from "../http/retry-policy.ts";
import { type HttpAnswer, sendRequest, type TimeLimits } from "../http/transport.ts";
import { TransportError } from "../http/transport-error.ts";
import { ShapeError } from "../json/shape-error.ts";
import { writeJson } from "../json/write-json.ts";
import { callAddress } from "./address.ts";
import { ApiAnswer } from "./api-answer.ts";
import type { ApiCall } from "./api-call.ts";
import type { ApiErrors } from "./api-errors.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TlsMaterial } from "./tls-files.ts";
import { UnexpectedAnswer } from "./unexpected-answer.ts";

export interface HttpApiOptions {
  endpoint: Endpoint;
  tls: TlsMaterial;
  /** Of every request: tokens. */
  headers: Readonly<Record<string, string>>;
  /** Of every request: the namespace, the region. */
  query: Readonly<Record<string, string>>;
  errors: ApiErrors;
  clock: Clock;
  /** 0 to 1, for jitter. Default Math.random. */
  random?: (() => number) | undefined;
  times?: Partial<TimeLimits> | undefined;
  retry?: Partial<RetryPolicy> | undefined;
}

export const HTTP_API_DEFAULTS = {
  times: { connect: 5000, head: 15_000, idle: 15_000 },
  retry: { attempts: 4, backoff: { first: 200, most: 5000 }, mostWait: 30_000 },
} as const satisfies { times: TimeLimits; retry: RetryPolicy };

const BUSY = new Set([502, 503, 504]);
/** Blocking queries each hold one. Consul takes 200 from one address, Nomad 100. */
const MOST_CONNECTIONS = 64;
const IDLE_CONNECTION_MS = 15_000;
/** For the body of an answer, from its head to its end, however lively it is; a stream has no end. */
const BODY_MS = 60_000;
const MOST_BYTES = 32 * 1024 * 1024;
/** Of what is no answer that was expected, so much is kept. */
const MOST_ERROR_BYTES = 64 * 1024;

interface Failure {
  error: Error;
  /** Whether it may be tried again. */
  again: boolean;
  /** How long it asks to wait, milliseconds. */
  waitMs?: number | undefined;
}

/**
 * The HTTP API of an agent, Consul's or Nomad's: one address, the same token, namespace and errors for all that is asked. Keeps its connections
 * until it is disposed of. All of it throws the errors of `errors`, USAGE for names that no address can have, and the reason of the signal.
 */
export class HttpApi implements Disposable {
  /** As errors name it. */
  readonly server: string;
  readonly #options: HttpApiOptions;
  readonly #agent: Agent | SecureAgent;
  readonly #times: TimeLimits;
  readonly #retry: RetryPolicy;

  constructor(options: HttpApiOptions) {
    const { url, socketPath } = options.endpoint;
    const keep = { keepAlive: true, maxSockets: MOST_CONNECTIONS, timeout: IDLE_CONNECTION_MS };
    this.#options = options;
    this.#agent = url.protocol === "https:" ? new SecureAgent({ ...keep, ...options.tls }) : new Agent(keep);
    this.#times = { ...HTTP_API_DEFAULTS.times, ...options.times };
    this.#retry = { ...HTTP_API_DEFAULTS.retry, ...options.retry };
    this.server = socketPath ?? url.host;
  }

  /** The whole answer, of a status that was expected. */
  async request(call: ApiCall): Promise<ApiAnswer> {
    const { clock, random } = this.#options;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#try(call);
      if (outcome instanceof ApiAnswer) return outcome;
      const { error, again, waitMs = 0 } = outcome;
      const isEnough = tries >= this.#retry.attempts || call.blocking !== undefined;
      if (!again || isEnough || waitMs > this.#retry.mostWait) throw error;
      await clock.sleep(waitMs + backoffDelay(this.#retry.backoff, tries, random), { signal: call.signal });
    }
  }

  /** What `read` makes of the answer; a body that is no JSON, or another than is read, is an error that says so. */
  async read<Value>(call: ApiCall, read: (answer: ApiAnswer) => Value): Promise<Value> {
    const answer = await this.request(call);
    try {
      return read(answer);
    } catch (error) {
      if (error instanceof ShapeError) throw this.#invalid(call, `of its answer ${error.message}`, error);
      if (error instanceof SyntaxError) throw this.#invalid(call, `its answer is no JSON (${error.message})`, error);
      throw error;
    }
  }

  /** The head of an answer that goes on, a stream; to be disposed of. Is not tried again. */
  async open(call: ApiCall): Promise<HttpAnswer> {
    try {
      const answer = await this.#send(call);
      if (expected(call).includes(answer.status)) return answer;
      throw (await this.#unexpected(call, answer)).error;
    } catch (error) {
      throw error instanceof TransportError ? this.#broken(call, error).error : error;
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #try(call: ApiCall): Promise<ApiAnswer | Failure> {
    const limit = call.mostBytes ?? MOST_BYTES;
    const { connect, head } = this.#timesOf(call);
    using deadline = new Deadline(this.#options.clock, connect + head + BODY_MS, call.signal);
    try {
      using answer = await this.#send({ ...call, signal: deadline.signal });
      if (!expected(call).includes(answer.status)) return await this.#unexpected(call, answer);
      const content = await answer.bytes(limit);
      if (content === undefined) throw this.#invalid(call, `its answer is longer than ${limit} bytes`);
      return new ApiAnswer(answer.status, answer.headers, content);
    } catch (error) {
      if (error instanceof TransportError) return this.#broken(call, error);
      throw error;
    }
  }

  #send(call: ApiCall): Promise<HttpAnswer> {
    const { endpoint, clock, query, headers } = this.#options;
    const body = bodyOf(call);
    const request = {
      method: call.method,
      url: callAddress(endpoint.url, call, query),
      headers: { "accept-encoding": "identity", "user-agent": "steppe", ...headers, ...bodyHeaders(call, body) },
      body,
      signal: call.signal,
    };
    const { socketPath } = endpoint;
    return sendRequest({ agent: this.#agent, clock, socketPath, times: this.#timesOf(call) }, request);
  }

  #timesOf({ times, blocking }: ApiCall): TimeLimits {
    const limits = { ...this.#times, ...times };
    if (blocking === undefined || blocking.index < 1n) return limits;
    // The servers add up to a sixteenth, so that not all come back at once.
    return { ...limits, head: limits.head + blocking.waitMs * (1 + 1 / 16) };
  }

  #broken(call: ApiCall, error: TransportError): Failure {
    const isRepeatable = repeatable(call);
    const mayBeDone = call.method !== "GET" && !error.unsent;
    return {
      error: this.#options.errors.unreachable(call, this.server, error, mayBeDone),
      again: !error.final && (isRepeatable || error.unsent),
    };
  }

  async #unexpected(call: ApiCall, answer: HttpAnswer): Promise<Failure> {
    const { errors, clock } = this.#options;
    const { status } = answer;
    const waitMs = parseRetryAfter(answer.field("retry-after"), clock.now());
    const body = await errorBody(answer);
    const unexpected = new UnexpectedAnswer({ server: this.server, status, body, expected: expected(call), waitMs });
    const isTransient = BUSY.has(status) || errors.isTransient(unexpected);
    // What came too often was not acted on.
    return {
      error: errors.answer(call, unexpected),
      again: status === 429 || (isTransient && repeatable(call)),
      waitMs,
    };
  }

  #invalid(call: ApiCall, why: string, cause?: unknown): Error {
    return this.#options.errors.invalid(call, this.server, why, cause);
  }
}

function expected({ expect = [200] }: ApiCall): readonly number[] {
  return expect;
}

function repeatable({ method, repeatable = method === "GET" }: ApiCall): boolean {
  return repeatable;
}

function bodyOf({ json, content }: ApiCall): Uint8Array | undefined {
  if (json !== undefined) return Buffer.from(writeJson(json));
  return typeof content === "string" ? Buffer.from(content) : content;
}

function bodyHeaders({ json }: ApiCall, body: Uint8Array | undefined): Record<string, string> {
  if (body === undefined) return {};
  const type = json === undefined ? "application/octet-stream" : "application/json";
  return { "content-length": String(body.length), "content-type": type };
}

/** The body of an answer that is an error; empty if it is too long, or breaks off: the status says enough then. */
async function errorBody(answer: HttpAnswer): Promise<string> {
  using _ = answer;
  try {
    return (await answer.bytes(MOST_ERROR_BYTES))?.toString("utf8").trim() ?? "";
  } catch (error) {
    if (error instanceof TransportError) return "";
    throw error;
  }
}
