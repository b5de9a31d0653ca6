import { type ErrorCode, SteppeError } from "../shared/errors.ts";
import type { Mistake, TransportError } from "../shared/http/transport-error.ts";
import type { ApiErrors } from "../shared/http-api/api-errors.ts";
import type { Purpose } from "../shared/http-api/purpose.ts";
import type { UnexpectedAnswer } from "../shared/http-api/unexpected-answer.ts";
import { printable } from "../shared/style.ts";
import { type Meaning, meanings } from "./error-meanings.ts";
import { permissionOf } from "./permission-of.ts";

const MISTAKES: Readonly<Record<Mistake, string>> = {
  untrusted: "If it is of a CA of your own, set NOMAD_CACERT to that CA's certificate.",
  "no TLS there": "If it speaks plain HTTP, begin NOMAD_ADDR with http://.",
  "no HTTP there": "If it speaks TLS, begin NOMAD_ADDR with https://.",
  "our certificate":
    "Set NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY to a certificate, and its key, of the CA that Nomad names by `ca_file`.",
};

const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["NOMAD_UNREACHABLE", "NOMAD_LIMITED"]);

/** What Nomad's failures are called. The cause of each is what came: an UnexpectedAnswer, with its status and body, or a TransportError. */
export const nomadErrors: ApiErrors = { unreachable, answer, invalid, isTransient };

/** Whether what failed may work in a while without anybody doing something about it. */
export function isNomadAway(error: unknown): boolean {
  return error instanceof SteppeError && AWAY.has(error.code);
}

function unreachable(purpose: Purpose, server: string, error: TransportError, mayBeDone: boolean): SteppeError {
  const also = mayBeDone ? "; it may have been done all the same" : "";
  const hint = error.mistake === undefined ? undefined : MISTAKES[error.mistake];
  const parts = { ...partsOf(purpose), cause: `Nomad at ${server}: ${error.message}${also}`, hint };
  return new SteppeError("NOMAD_UNREACHABLE", parts, { cause: error });
}

function answer(purpose: Purpose, unexpected: UnexpectedAnswer): SteppeError {
  const found = meaningOf(unexpected, purpose);
  const reason = found?.meaning.reason?.(found.match);
  const answered = `Nomad at ${unexpected.message}`;
  const cause = reason === undefined ? answered : `${reason}; ${answered}`;
  const code = found?.meaning.code ?? codeOf(unexpected);
  const hint = found?.meaning.hint ?? (code === "NOMAD_DENIED" ? deniedHint(purpose) : undefined);
  const parts = { ...partsOf(purpose), cause, hint, detail: detailOf(code, unexpected) };
  return new SteppeError(code, parts, { cause: unexpected });
}

function invalid(purpose: Purpose, server: string, why: string, cause?: unknown): SteppeError {
  return new SteppeError(
    "NOMAD_ANSWER_INVALID",
    { ...partsOf(purpose), cause: `Nomad at ${server}: ${why}` },
    { cause },
  );
}

function isTransient(unexpected: UnexpectedAnswer): boolean {
  return unexpected.status >= 500 && meaningOf(unexpected)?.meaning.transient === true;
}

function meaningOf(
  { status, said }: UnexpectedAnswer,
  purpose?: Purpose,
): { meaning: Meaning; match: RegExpExecArray } | undefined {
  if (status < 400 || status === 429) return undefined;
  for (const meaning of meanings) {
    if (meaning.status?.(status) === false) continue;
    if (meaning.operation !== undefined && meaning.operation !== purpose?.operation) continue;
    const match = meaning.says.exec(said);
    if (match !== null) return { meaning, match };
  }
  return undefined;
}

function codeOf({ status }: UnexpectedAnswer): ErrorCode {
  if (status === 401 || status === 403) return "NOMAD_DENIED";
  if (status === 429) return "NOMAD_LIMITED";
  if (status === 408 || (status >= 502 && status <= 504)) return "NOMAD_UNREACHABLE";
  return status >= 400 ? "NOMAD_REFUSED" : "NOMAD_ANSWER_INVALID";
}

function deniedHint(purpose: Purpose): string {
  return `The policy of NOMAD_TOKEN wants ${permissionOf(purpose)}; \`steppe cluster doctor\` says what else it lacks.`;
}

/** What is wrong with a job is a list, which one line does not hold. */
function detailOf(code: ErrorCode, { body }: UnexpectedAnswer): string | undefined {
  return code === "NOMAD_JOB_INVALID" && body.includes("\n") ? printableLines(body) : undefined;
}

function printableLines(text: string): string {
  const lines = printable(text).replaceAll("\t", "  ").split("\n");
  return lines.filter((line) => line.trim() !== "").join("\n");
}

/** A call has more than an error shall say. */
function partsOf({ operation, subject }: Purpose): Purpose {
  return { operation, subject };
}
