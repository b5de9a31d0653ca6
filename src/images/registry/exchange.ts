import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import { getCACertificates } from "node:tls";
import { backoffDelay } from "../../shared/backoff.ts";
import type { Clock } from "../../shared/clock.ts";
import { parseRetryAfter } from "../../shared/http/header-fields.ts";
import type { RetryPolicy } from "../../shared/http/retry-policy.ts";
import { type HttpAnswer, type HttpRequest, sendRequest, type TimeLimits } from "../../shared/http/transport.ts";
import { TransportError } from "../../shared/http/transport-error.ts";
import { answerError, connectionError, nonsense, type Purpose } from "./registry-errors.ts";

export interface ExchangeOptions {
  clock: Clock;
  random: () => number;
  times: TimeLimits;
  retry: RetryPolicy;
  /** A certificate authority to trust besides the usual ones, PEM. */
  ca?: string | undefined;
}

export interface ExchangeRequest extends Omit<HttpRequest, "body"> {
  purpose: Purpose;
  /** Made anew for each try. */
  body?: (() => Uint8Array | AsyncIterable<Uint8Array>) | undefined;
  /**
   * Whether it does no harm twice: then it is tried again after a connection that broke off and after 502, 503 and 504. A 429 was not acted on
   * in any case.
   */
  repeatable: boolean;
}

const BUSY = new Set([502, 503, 504]);
const MOST_CONNECTIONS = 8;
const IDLE_CONNECTION_MS = 15_000;
/** An error's body that is longer is left alone. */
const MOST_ERROR_BYTES = 64 * 1024;

/** Requests that are made again when it is worth it. Keeps its connections until it is disposed of. */
export class Exchange implements Disposable {
  readonly options: ExchangeOptions;
  readonly #agents: Readonly<Record<string, Agent | SecureAgent>>;

  constructor(options: ExchangeOptions) {
    this.options = options;
    const keep = { keepAlive: true, maxSockets: MOST_CONNECTIONS, timeout: IDLE_CONNECTION_MS };
    const trusted = options.ca === undefined ? {} : { ca: [...getCACertificates("default"), options.ca] };
    this.#agents = { "http:": new Agent(keep), "https:": new SecureAgent({ ...keep, ...trusted }) };
  }

  /**
   * The answer, whatever its status: one that asks to come again is given only if that was done often enough, or is not to be done.
   * Throws REGISTRY_UNREACHABLE, and the signal's reason.
   */
  async send(request: ExchangeRequest): Promise<HttpAnswer> {
    const { clock, retry } = this.options;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#try(request, tries < retry.attempts);
      if (typeof outcome !== "object") {
        await clock.sleep(this.delay(tries, outcome), { signal: request.signal });
        continue;
      }
      return outcome;
    }
  }

  /** Milliseconds to wait after so many failures, of which the last asked to wait `told`. */
  delay(failures: number, told?: number): number {
    const { retry, random } = this.options;
    const own = backoffDelay(retry.backoff, failures, random);
    return told === undefined ? own : told + Math.round(random() * retry.backoff.first);
  }

  /** The error that an answer means; its body is read for it. */
  async errorOf(answer: HttpAnswer, purpose: Purpose): Promise<Error> {
    const body = await errorBody(answer);
    const wait = parseRetryAfter(answer.field("retry-after"), this.options.clock.now());
    return answerError(purpose, answer.url.host, answer.status, body, wait);
  }

  /**
   * Sends and reads the whole body; both again if it breaks off. Throws REGISTRY_ANSWER_INVALID if it is longer than `limit` bytes.
   *
   * @param send gives an answer that is worth reading
   */
  async read(
    send: () => Promise<HttpAnswer>,
    { limit, purpose, signal }: { limit: number; purpose: Purpose; signal: AbortSignal | undefined },
  ): Promise<{ answer: HttpAnswer; content: Buffer }> {
    for (let tries = 1; ; tries++) {
      using answer = await send();
      try {
        const content = await answer.bytes(limit);
        if (content === undefined) throw nonsense(purpose, answer.url.host, `its answer is longer than ${limit} bytes`);
        return { answer, content };
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        if (tries >= this.options.retry.attempts) throw connectionError(purpose, answer.url.host, error);
      }
      await this.options.clock.sleep(this.delay(tries), { signal });
    }
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  /** An answer; or, if it is to be tried again, how long the server asked to wait, if it did. */
  async #try(request: ExchangeRequest, again: boolean): Promise<HttpAnswer | number | undefined> {
    const { method, url, headers, signal, body } = request;
    const { clock, times, retry } = this.options;
    const agent = this.#agents[url.protocol];
    if (agent === undefined) throw new TypeError(`no requests are made to ${url.protocol}`);
    try {
      const answer = await sendRequest({ agent, clock, times }, { method, url, headers, signal, body: body?.() });
      const busy = answer.status === 429 || (request.repeatable && BUSY.has(answer.status));
      const told = parseRetryAfter(answer.field("retry-after"), clock.now());
      if (!busy || !again || (told ?? 0) > retry.mostWait) return answer;
      answer[Symbol.dispose]();
      return told;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.final || !request.repeatable || !again) throw connectionError(request.purpose, url.host, error);
      return undefined;
    }
  }
}

/** The body of an error; empty if it is too long, or breaks off: the status says enough then. */
async function errorBody(answer: HttpAnswer): Promise<Buffer> {
  using _ = answer;
  try {
    return (await answer.bytes(MOST_ERROR_BYTES)) ?? Buffer.alloc(0);
  } catch (error) {
    if (error instanceof TransportError) return Buffer.alloc(0);
    throw error;
  }
}
