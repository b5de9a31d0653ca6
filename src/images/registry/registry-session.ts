import type { HttpAnswer } from "../../shared/http/transport.ts";
import type { CredentialSource } from "./credentials.ts";
import { Exchange, type ExchangeOptions, type ExchangeRequest } from "./exchange.ts";
import { parseRateLimit, type RateLimit } from "./header-fields.ts";
import { DOCKER_HUB } from "./reference.ts";
import { RegistryAuth } from "./registry-auth.ts";
import { nonsense, type Purpose } from "./registry-errors.ts";
import type { Scope } from "./scopes.ts";

export interface SessionOptions extends ExchangeOptions {
  /** As references name it: `docker.io`, `localhost:5000`. */
  registry: string;
  /** Speaks plain HTTP to it. */
  insecure: boolean;
  credentials: CredentialSource;
}

/** One request to a registry. */
export interface RegistryRequest {
  method: ExchangeRequest["method"];
  /** `/v2/…`, or what the registry gave as a Location. */
  target: string | URL;
  scopes: readonly Scope[];
  purpose: Purpose;
  headers?: Readonly<Record<string, string>>;
  body?: ExchangeRequest["body"];
  repeatable: boolean;
  /** The statuses that are no error. */
  expect: readonly number[];
  signal?: AbortSignal | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;
/** One for want of a token, or for an old one; one for a token that allows too little. */
const MOST_CHALLENGES = 2;
const DOCKER_HUB_HOST = "registry-1.docker.io";
const USER_AGENT = "steppe";

/** All requests to one registry: knows its address, is let in, and follows redirections without giving secrets away. */
export class RegistrySession implements Disposable {
  readonly exchange: Exchange;
  /** How many pulls it still allows, as it said last. */
  rateLimit: RateLimit | undefined;
  readonly #auth: RegistryAuth;
  readonly #base: URL;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    const { registry, insecure, credentials } = options;
    this.#options = options;
    this.exchange = new Exchange(options);
    const host = registry === DOCKER_HUB ? DOCKER_HUB_HOST : registry;
    this.#base = new URL(`${insecure ? "http" : "https"}://${host}/`);
    this.#auth = new RegistryAuth({ registry, insecure, exchange: this.exchange, credentials });
  }

  /**
   * The answer, of a status that was expected; to be disposed of.
   * Throws REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_LIMITED, REGISTRY_REFUSED, REGISTRY_ANSWER_INVALID, IMAGE_NOT_FOUND; what the body's
   * source throws; the signal's reason.
   */
  async send(request: RegistryRequest): Promise<HttpAnswer> {
    const { purpose, expect } = request;
    let url = this.address(request.target, this.#base, purpose);
    for (let challenges = 0, redirects = 0; ;) {
      const authorization =
        url.origin === this.#base.origin ? await this.#auth.authorization(this.#wish(request)) : undefined;
      const answer = await this.#once(request, url, authorization);
      if (challenges < MOST_CHALLENGES && this.#mayAskAgain(answer, authorization, request)) {
        challenges++;
        answer[Symbol.dispose]();
        continue;
      }
      if (expect.includes(answer.status)) return answer;
      if (!REDIRECTS.has(answer.status) || !["GET", "HEAD"].includes(request.method)) {
        throw await this.exchange.errorOf(answer, purpose);
      }
      answer[Symbol.dispose]();
      url = this.address(answer.field("location"), url, purpose);
      if (++redirects > MOST_REDIRECTS)
        throw nonsense(purpose, url.host, `it redirects more than ${MOST_REDIRECTS} times`);
    }
  }

  /** The answer with its whole body, of at most `limit` bytes. Throws as `send` does. */
  read(request: RegistryRequest, limit: number): Promise<{ answer: HttpAnswer; content: Buffer }> {
    const { purpose, signal } = request;
    return this.exchange.read(() => this.send(request), { limit, purpose, signal });
  }

  /**
   * Where a Location or a link leads. A registry behind a proxy that ends TLS often names itself `http:`; that is taken as `https:`.
   * Throws REGISTRY_ANSWER_INVALID if it is none, or leads from TLS to plain HTTP elsewhere.
   */
  address(target: string | URL | undefined, base: URL, purpose: Purpose): URL {
    if (target === undefined || !URL.canParse(target, base)) {
      throw nonsense(purpose, base.host, `its answer has no usable Location (${String(target)})`);
    }
    const url = new URL(target, base);
    if (url.protocol === "http:" && !this.#options.insecure && url.hostname === this.#base.hostname) {
      return new URL(`${this.#base.origin}${url.pathname}${url.search}`);
    }
    if (url.protocol === "https:" || (url.protocol === "http:" && this.#options.insecure)) return url;
    throw nonsense(purpose, base.host, `it leads to ${url.origin}, which is not https:`);
  }

  [Symbol.dispose](): void {
    this.exchange[Symbol.dispose]();
  }

  async #once(request: RegistryRequest, url: URL, authorization: string | undefined): Promise<HttpAnswer> {
    const { method, purpose, body, repeatable, signal, headers } = request;
    const answer = await this.exchange.send({
      method,
      url,
      purpose,
      body,
      repeatable,
      signal,
      headers: {
        "user-agent": USER_AGENT,
        "accept-encoding": "identity",
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    if (url.origin === this.#base.origin) this.rateLimit = parseRateLimit(answer.headers) ?? this.rateLimit;
    return answer;
  }

  #mayAskAgain(answer: HttpAnswer, sent: string | undefined, request: RegistryRequest): boolean {
    if (answer.url.origin !== this.#base.origin) return false;
    const field = answer.field("www-authenticate");
    const lacksScope = answer.status === 403 && /error="?insufficient_scope/.test(field ?? "");
    if (field === undefined || (answer.status !== 401 && !lacksScope)) return false;
    try {
      return this.#auth.challenged(field, sent, this.#wish(request));
    } catch (error) {
      answer[Symbol.dispose]();
      throw error;
    }
  }

  #wish({ scopes, purpose, signal }: RegistryRequest) {
    return { scopes, purpose, signal };
  }
}
