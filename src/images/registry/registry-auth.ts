import { SteppeError } from "../../shared/errors.ts";
import { Semaphore } from "../../shared/semaphore.ts";
import { basicAuthorization } from "../../shared/credentials.ts";
import type { Credentials, CredentialSource } from "./credentials.ts";
import type { Exchange } from "./exchange.ts";
import { type Challenge, parseChallenges } from "./parse-challenges.ts";
import { nonsense, type Purpose } from "./registry-errors.ts";
import { mergeScopes, type Scope, splitScopes } from "./scopes.ts";
import { fetchToken, type Token, type TokenServer } from "./token-server.ts";

export interface RegistryAuthOptions {
  /** As references name it. */
  registry: string;
  /** Whether secrets may go over plain HTTP, since the registry itself speaks it. */
  insecure: boolean;
  exchange: Exchange;
  credentials: CredentialSource;
}

/** What is asked for, by whom it is asked. */
export interface AuthRequest {
  scopes: readonly Scope[];
  purpose: Purpose;
  signal: AbortSignal | undefined;
}

const NEVER = new AbortController().signal;

/**
 * How to be let in to one registry: learns from its challenges whether it wants a token or a password, and keeps tokens by scope until they run
 * out. https://distribution.github.io/distribution/spec/auth/token/
 */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions;
  #way: { basic: true } | TokenServer | undefined;
  readonly #tokens = new Map<string, Token>();
  /** What a challenge asked for beyond the scopes that it was asked with. */
  readonly #more = new Map<string, Scope[]>();
  /** Tokens are fetched one after another: many requests that begin together need one token. */
  readonly #fetching = new Semaphore(1);

  constructor(options: RegistryAuthOptions) {
    this.#options = options;
  }

  /** The value of `Authorization`; undefined as long as the registry did not ask for any. */
  async authorization(request: AuthRequest): Promise<string | undefined> {
    if (this.#way === undefined) return undefined;
    if ("basic" in this.#way) return this.#basic(request);
    return `Bearer ${await this.#token(request, this.#way)}`;
  }

  /**
   * Learns from an answer 401 or 403. True if asking again with `authorization` may help.
   *
   * @param field its `WWW-Authenticate`
   * @param sent the authorization that was not enough
   * Throws REGISTRY_DENIED if it wants what we do not have or know; REGISTRY_ANSWER_INVALID.
   */
  challenged(field: string, sent: string | undefined, request: AuthRequest): boolean {
    const challenges = parseChallenges(field);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      this.#learnTokenServer(bearer, sent, request);
      return true;
    }
    if (challenges.some(({ scheme }) => scheme === "basic")) {
      this.#way = { basic: true };
      return sent === undefined || !sent.startsWith("Basic ");
    }
    if (challenges.length === 0) return false;
    const names = challenges.map(({ scheme }) => scheme).join(", ");
    throw denied(request.purpose, `${this.#options.registry} wants ${names}; Basic and Bearer are known here`);
  }

  #learnTokenServer({ parameters }: Challenge, sent: string | undefined, { scopes, purpose }: AuthRequest): void {
    const { registry, insecure } = this.#options;
    const text = parameters.get("realm") ?? "";
    const realm = URL.canParse(text) ? new URL(text) : undefined;
    if (realm === undefined || !["https:", "http:"].includes(realm.protocol)) {
      throw nonsense(purpose, registry, `its challenge names no token server (realm "${text}")`);
    }
    if (realm.protocol === "http:" && !insecure) {
      throw nonsense(
        purpose,
        registry,
        `its token server ${realm.origin} speaks plain HTTP; no secrets are sent there`,
      );
    }
    this.#way = { realm, service: parameters.get("service") };
    const key = mergeScopes(scopes).join(" ");
    const more = splitScopes(parameters.get("scope"));
    if (more.length > 0) this.#more.set(key, more);
    if (this.#tokens.get(key)?.value === sent?.slice("Bearer ".length)) this.#tokens.delete(key);
  }

  async #basic({ purpose, signal }: AuthRequest): Promise<string> {
    const credentials = await this.#credentials(signal);
    const { registry } = this.#options;
    if (credentials === undefined) throw denied(purpose, `${registry} wants a user and a password; none were given`);
    if ("username" in credentials) return basicAuthorization(credentials);
    throw denied(purpose, `${registry} wants a user and a password; an identity token was given`);
  }

  async #token({ scopes, purpose, signal }: AuthRequest, server: TokenServer): Promise<string> {
    const key = mergeScopes(scopes).join(" ");
    using _ = await this.#fetching.acquire(signal ?? NEVER);
    const known = this.#tokens.get(key);
    const { exchange } = this.#options;
    if (known !== undefined && exchange.options.clock.monotonic() < known.goodUntil) return known.value;
    const wanted = mergeScopes([...scopes, ...(this.#more.get(key) ?? [])]);
    const credentials = await this.#credentials(signal);
    const token = await fetchToken(exchange, server, { scopes: wanted, credentials, purpose, signal });
    this.#tokens.set(key, token);
    return token.value;
  }

  #credentials(signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    return this.#options.credentials(this.#options.registry, signal);
  }
}

function denied(purpose: Purpose, cause: string): SteppeError {
  return new SteppeError("REGISTRY_DENIED", { ...purpose, cause });
}
