import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connectionCause, isUntrusted } from "../shared/connection-error.ts";
import { type ErrorBody, errno, errorCodes, SteppeError } from "../shared/errors.ts";

/** Where the API is, and what opens it. */
export interface ApiTarget {
  /** `http://127.0.0.1:7070`, without `/v1`. */
  url: string;
  token: string | null;
  /** Aborting it rejects every call with its reason. */
  signal?: AbortSignal;
}

export interface ApiCall {
  method: "GET" | "POST" | "DELETE";
  /** With its query: `/v1/apps`. */
  path: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, as a tar archive. */
  body?: AsyncIterable<Uint8Array>;
  /** Aborting it rejects with its reason; in place of the target's. */
  signal?: AbortSignal | undefined;
}

const CONNECT_MS = 10_000;
const ANSWER_MS = 600_000;
const KEEP_ALIVE_MS = 30_000;
const MOST_ERROR_BYTES = 256 * 1024;

/**
 * Makes one request and resolves with the answer's head once it came, its body unread. An answer that is no success rejects with the
 * error that it holds; what goes wrong on the way with API_UNREACHABLE. Redirections are not followed: the token is for one
 * address.
 *
 * node:http rather than fetch, which ends a stream that is silent for five minutes and resolves no `*.localhost`.
 */
export async function callApi(target: ApiTarget, call: ApiCall): Promise<IncomingMessage> {
  signalOf(target, call)?.throwIfAborted();
  const response = await send(target, call);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  throw await errorOf(response, target, call);
}

function send(target: ApiTarget, call: ApiCall): Promise<IncomingMessage> {
  const url = new URL(call.path, target.url);
  const headers: Record<string, string> = { accept: "application/json", connection: "close" };
  if (target.token !== null) headers["authorization"] = `Bearer ${target.token}`;
  const text = call.json === undefined ? undefined : JSON.stringify(call.json);
  if (text !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = String(Buffer.byteLength(text));
  } else if (call.body !== undefined) {
    headers["content-type"] = "application/x-tar";
  } else if (call.method !== "GET") {
    headers["content-length"] = "0";
  }
  const options: RequestOptions = {
    method: call.method,
    headers,
    agent: false,
    lookup: lookupFor(url),
    signal: signalOf(target, call),
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === "https:" ? httpsRequest(url, options) : httpRequest(url, options);
  const fail = (error: unknown): void => {
    const signal = signalOf(target, call);
    if (signal?.aborted) reject(signal.reason as Error);
    else reject(error instanceof SteppeError ? error : unreachable(target, error));
  };
  request.once("response", resolve);
  request.once("error", fail);
  request.once("close", () => fail(new Error("it closed the connection without an answer"))); // as after a 101
  limitTimes(request, target);
  if (call.body === undefined) request.end(text);
  // Once the answer is there, that the server took no more of the body is no failure.
  else pipeline(Readable.from(call.body, { objectMode: false }), request).catch(fail);
  return promise;
}

function limitTimes(request: ClientRequest, target: ApiTarget): void {
  const tooLate = (what: string, ms: number): NodeJS.Timeout =>
    setTimeout(() => request.destroy(unreachable(target, new Error(`${what} within ${ms / 1000} s`))), ms);
  request.once("socket", (socket) => {
    const timer = tooLate("no connection came about", CONNECT_MS);
    const connected = (): void => clearTimeout(timer);
    socket.once("connect", connected).once("close", connected);
    // A server that is gone without a word is noticed while a stream is silent, too.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  });
  request.once("finish", () => {
    const timer = tooLate("it did not answer", ANSWER_MS);
    const answered = (): void => clearTimeout(timer);
    request.once("response", answered).once("close", answered);
  });
}

/** Browsers know that all names below `localhost` are this machine (RFC 6761, 6.3); the system's resolver may not. */
function lookupFor(url: URL): LookupFunction | undefined {
  if (!/(^|\.)localhost$/.test(url.hostname) || isIP(url.hostname) !== 0) return undefined;
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ address: "127.0.0.1", family: 4 }]);
    else callback(null, "127.0.0.1", 4);
  };
}

/** What an error of the connection means for a person. */
export function unreachable(target: ApiTarget, thrown: unknown): SteppeError {
  const hint =
    errno(thrown) === "ERR_TLS_CERT_ALTNAME_INVALID"
      ? "Use the name that its `--host` says; `steppe up` and `steppe install` take it."
      : isUntrusted(thrown)
        ? "Is it of Steppe's own CA? Take that from the server (`steppe ca show`), and trust it: see docs/server.md."
        : undefined;
  return new SteppeError(
    "API_UNREACHABLE",
    { operation: "reach", subject: target.url, cause: connectionCause(thrown), hint },
    { cause: thrown },
  );
}

async function errorOf(response: IncomingMessage, target: ApiTarget, call: ApiCall): Promise<SteppeError> {
  const status = response.statusCode ?? 0;
  const text = await readText(response, MOST_ERROR_BYTES, target);
  const requestId = response.headers["x-request-id"];
  const body = errorBody(text);
  if (body !== undefined) {
    const known = status >= 500 && typeof requestId === "string" ? [`request ${requestId}`] : [];
    const detail = [...(body.detail === undefined ? [] : [body.detail]), ...known].join("\n");
    return SteppeError.fromJSON({ ...body, ...(detail === "" ? {} : { detail }) });
  }
  const location = response.headers.location;
  const line = text.split("\n", 1)[0]?.slice(0, 200) ?? "";
  return new SteppeError("API_UNREACHABLE", {
    operation: `${call.method} ${call.path.split("?", 1)[0] ?? ""}`,
    subject: `at ${target.url}`,
    cause: location === undefined ? `it answered ${status} ${line}`.trim() : `it answered ${status} to ${location}`,
    hint: "Check that this is the address of Steppe's API (STEPPE_URL).",
  });
}

function errorBody(text: string): ErrorBody | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined; // a proxy's page, most likely
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { code, operation, subject, cause, hint, detail } = parsed as Record<string, unknown>;
  if (typeof code !== "string" || typeof operation !== "string" || typeof cause !== "string") return undefined;
  return {
    code: code in errorCodes ? (code as ErrorBody["code"]) : "INTERNAL",
    operation,
    subject: typeof subject === "string" ? subject : "",
    cause,
    hint: typeof hint === "string" ? hint : "",
    ...(typeof detail === "string" ? { detail } : {}),
  };
}

/** The body as text; more than `most` bytes are an error, and so is a body that ends early. */
export async function readText(response: IncomingMessage, most: number, target: ApiTarget): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(response, target)) {
    size += chunk.length;
    if (size > most) throw unreachable(target, new Error(`its answer is larger than ${most} bytes`));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What ends a call early, if anything does. */
function signalOf(target: ApiTarget, call: ApiCall): AbortSignal | undefined {
  return call.signal ?? target.signal;
}

/** The body as it comes. Leaving the iteration ends the request. */
export async function* bodyOf(
  response: IncomingMessage,
  target: ApiTarget,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (error) {
    (signal ?? target.signal)?.throwIfAborted();
    throw unreachable(target, error);
  } finally {
    response.destroy();
  }
}
