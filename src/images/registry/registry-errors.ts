import { STATUS_CODES } from "node:http";
import { type ErrorCode, SteppeError } from "../../shared/errors.ts";
import type { Mistake, TransportError } from "../../shared/http/transport-error.ts";
import type { Purpose } from "../../shared/http-api/purpose.ts";
import { oneLine } from "../../shared/one-line.ts";
import { isObject, parseObject } from "./json-document.ts";

export type { Purpose };

const HINTS: Readonly<Record<Mistake, string>> = {
  untrusted: "If it is of a CA of your own, put that CA's certificate into `/etc/docker/certs.d/HOST:PORT/ca.crt`.",
  "no TLS there": "If it speaks plain HTTP, name it by `--insecure-registry HOST:PORT`.",
  "no HTTP there": "If it speaks TLS, do not name it by `--insecure-registry`.",
  "our certificate": "Steppe has none to show to a registry: let it in by a name and a password.",
};

/**
 * The error that an answer means.
 *
 * @param server who answered: the registry, its token server, or where it redirected to
 * @param body the answer's body, or nothing if it is of no use
 * @param wait how long it asks to wait, milliseconds
 */
export function answerError(
  purpose: Purpose,
  server: string,
  status: number,
  body: Uint8Array,
  wait?: number,
): SteppeError {
  const said = registryMessage(body);
  const later = wait === undefined ? "" : ` (try again in ${Math.ceil(wait / 1000)} s)`;
  const cause = `${server} answered ${status} ${STATUS_CODES[status] ?? ""}${said === "" ? "" : `: ${said}`}${later}`;
  return new SteppeError(codeOf(status), { ...purpose, cause }, { retryAfterMs: wait });
}

/** The error of a connection that came to nothing. */
export function connectionError(purpose: Purpose, server: string, error: TransportError): SteppeError {
  const hint = error.mistake === undefined ? undefined : HINTS[error.mistake];
  const parts = { ...purpose, cause: `${server}: ${error.message}`, hint };
  return new SteppeError("REGISTRY_UNREACHABLE", parts, { cause: error });
}

/** The error of an answer that makes no sense. */
export function nonsense(purpose: Purpose, server: string, cause: string): SteppeError {
  return new SteppeError("REGISTRY_ANSWER_INVALID", { ...purpose, cause: `${server}: ${cause}` });
}

/** What the server itself says of an error, in one line: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
export function registryMessage(body: Uint8Array): string {
  const document = parseObject(body);
  if (document === undefined) return oneLine(plainText(body));
  const errors = Array.isArray(document["errors"]) ? document["errors"] : [];
  const messages = errors.filter(isObject).map(({ code, message }) => [code, message].filter(isText).join(": "));
  // A token server speaks in other words: RFC 6749, 5.2, and Docker's `details`.
  const { error_description: description, error, details, message } = document;
  const others = [description ?? error, details, message].filter(isText);
  return oneLine((messages.length > 0 ? messages : others).join("; "));
}

/** A page of a proxy says nothing to anybody. */
function plainText(body: Uint8Array): string {
  const text = Buffer.from(body).toString("utf8").trim();
  return text.startsWith("<") ? "" : text;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return "REGISTRY_DENIED";
  if (status === 404) return "IMAGE_NOT_FOUND";
  if (status === 429) return "REGISTRY_LIMITED";
  if (status === 408 || status >= 500) return "REGISTRY_UNREACHABLE";
  return status >= 400 ? "REGISTRY_REFUSED" : "REGISTRY_ANSWER_INVALID";
}
