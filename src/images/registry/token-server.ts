import { basicAuthorization } from "../../shared/credentials.ts";
import { SteppeError } from "../../shared/errors.ts";
import type { HttpAnswer } from "../../shared/http/transport.ts";
import type { Credentials } from "./credentials.ts";
import type { Exchange } from "./exchange.ts";
import { parseObject } from "./json-document.ts";
import { nonsense, type Purpose } from "./registry-errors.ts";

/** Where tokens come from, as a challenge says it. */
export interface TokenServer {
  realm: URL;
  service: string | undefined;
}

export interface Token {
  value: string;
  /** By the monotonic clock, in milliseconds: from then on another one is fetched. */
  goodUntil: number;
}

/** How we call ourselves to a token server. */
const CLIENT_ID = "steppe";
const MOST_TOKEN_BYTES = 256 * 1024;
/** Seconds, if it is not told: https://distribution.github.io/distribution/spec/auth/token/ */
const DEFAULT_LIFETIME = 60;
const LONGEST_LIFETIME = 24 * 3600;
/** The share of its lifetime after which a token is fetched anew: it shall not run out on the way. */
const USED_SHARE = 0.8;

/**
 * Fetches a token for these scopes: with the password by GET, with an identity token by POST (OAuth 2), without credentials anonymously.
 * Throws REGISTRY_DENIED, REGISTRY_UNREACHABLE, REGISTRY_LIMITED, REGISTRY_ANSWER_INVALID.
 */
export async function fetchToken(
  exchange: Exchange,
  { realm, service }: TokenServer,
  request: {
    scopes: readonly string[];
    credentials: Credentials | undefined;
    purpose: Purpose;
    signal: AbortSignal | undefined;
  },
): Promise<Token> {
  const { scopes, credentials, purpose, signal } = request;
  const common = { purpose, signal, repeatable: true };
  const asked = exchange.options.clock.monotonic();
  const refresh = credentials !== undefined && "identityToken" in credentials ? credentials.identityToken : undefined;
  const message =
    refresh === undefined
      ? { method: "GET" as const, url: tokenUrl(realm, service, scopes), headers: basicHeaders(credentials) }
      : { method: "POST" as const, url: realm, ...refreshForm(service, scopes, refresh) };
  const send = async (): Promise<HttpAnswer> => {
    const answer = await exchange.send({ ...common, ...message });
    if (answer.status === 200) return answer;
    throw withUser(await exchange.errorOf(answer, purpose), credentials);
  };
  const { content } = await exchange.read(send, { limit: MOST_TOKEN_BYTES, purpose, signal });
  const token = readToken(content, asked);
  if (token === undefined) throw nonsense(purpose, realm.host, "its answer has no token");
  return token;
}

function tokenUrl(realm: URL, service: string | undefined, scopes: readonly string[]): URL {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  return url;
}

function basicHeaders(credentials: Credentials | undefined): Record<string, string> {
  if (credentials === undefined || "identityToken" in credentials) return {};
  return { authorization: basicAuthorization(credentials) };
}

/** https://distribution.github.io/distribution/spec/auth/oauth/ */
function refreshForm(service: string | undefined, scopes: readonly string[], identityToken: string) {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: CLIENT_ID,
    scope: scopes.join(" "),
    refresh_token: identityToken,
    ...(service === undefined ? {} : { service }),
  });
  const body = Buffer.from(form.toString());
  const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length) };
  return { headers, body: () => body };
}

function readToken(body: Uint8Array, asked: number): Token | undefined {
  const { token, access_token: accessToken, expires_in: expiresIn } = parseObject(body) ?? {};
  const value = [token, accessToken].find((text) => typeof text === "string" && /^[\u0021-\u007e]+$/.test(text));
  if (typeof value !== "string") return undefined;
  const told = typeof expiresIn === "number" && expiresIn > 0 ? expiresIn : DEFAULT_LIFETIME;
  return { value, goodUntil: asked + Math.min(told, LONGEST_LIFETIME) * USED_SHARE * 1000 };
}

function withUser(error: Error, credentials: Credentials | undefined): Error {
  if (!(error instanceof SteppeError) || error.code !== "REGISTRY_DENIED") return error;
  const who =
    credentials === undefined
      ? "no credentials were given"
      : "username" in credentials
        ? `the user was ${credentials.username}`
        : "with an identity token";
  const { operation, subject, reason, hint } = error;
  return new SteppeError("REGISTRY_DENIED", { operation, subject, cause: `${reason} (${who})`, hint });
}
