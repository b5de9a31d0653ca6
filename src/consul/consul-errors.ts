import { type ErrorCode, SteppeError } from "../shared/errors.ts";
import type { Mistake, TransportError } from "../shared/http/transport-error.ts";
import type { ApiErrors } from "../shared/http-api/api-errors.ts";
import type { Purpose } from "../shared/http-api/purpose.ts";
import { UnexpectedAnswer } from "../shared/http-api/unexpected-answer.ts";

const MISTAKES: Readonly<Record<Mistake, string>> = {
  untrusted: "If it is of a CA of your own, set CONSUL_CACERT to that CA's certificate.",
  "no TLS there": "If it speaks plain HTTP, begin CONSUL_HTTP_ADDR with http://, and do not set CONSUL_HTTP_SSL.",
  "no HTTP there": "If it speaks TLS, begin CONSUL_HTTP_ADDR with https://.",
  "our certificate":
    "Set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY to a certificate, and its key, of the CA that Consul names by `ca_file`.",
};

interface Meaning {
  /** What Consul says. */
  says: RegExp;
  /** Of which statuses that is said; of any if it is not given. */
  status?: number;
  code: ErrorCode;
  hint?: string;
  /** Whether it passes by itself. */
  transient?: true;
}

/**
 * What the agent's texts mean; it answers 500 for much that is no fault of its own. The first that fits counts.
 * https://github.com/hashicorp/consul/blob/main/agent/structs/errors.go
 */
const MEANINGS: readonly Meaning[] = [
  {
    says: /No cluster leader|not the leader|leadership (lost|transfer)|No known Consul servers|Not ready to serve/i,
    code: "CONSUL_UNREACHABLE",
    hint: "Its servers are choosing a leader, or too few of them are there: `consul operator raft list-peers`.",
    transient: true,
  },
  { says: /rate limit exceeded/i, code: "CONSUL_LIMITED", transient: true },
  {
    says: /No path to datacenter/i,
    code: "CONSUL_REFUSED",
    hint: "There is no such datacenter, or no way to it: check CONSUL_DATACENTER.",
  },
  {
    says: /ACL not found/i,
    code: "CONSUL_DENIED",
    hint: "There is no such token, or no longer: check CONSUL_HTTP_TOKEN.",
  },
  {
    says: /ACL support disabled/i,
    code: "CONSUL_REFUSED",
    hint: "This Consul has no ACLs: nobody needs a token.",
  },
  { says: /Permission denied/i, code: "CONSUL_DENIED" },
  {
    says: /HTTP request to an HTTPS server/i,
    code: "CONSUL_REFUSED",
    hint: "It speaks TLS: begin CONSUL_HTTP_ADDR with https://, or set CONSUL_HTTP_SSL=true.",
  },
  {
    says: /Enterprise feature/i,
    code: "CONSUL_REFUSED",
    hint: "Unset CONSUL_NAMESPACE and CONSUL_PARTITION: only Consul Enterprise has them.",
  },
  {
    says: /invalid session/i,
    code: "CONSUL_REFUSED",
    hint: "The session is over: it was not renewed in time, or its node failed.",
  },
  {
    says: /does not have associated TTL|Unknown check/i,
    code: "CONSUL_REFUSED",
    hint: "No such check is registered at this agent: register the service again.",
  },
  {
    says: /too large|too many operations|exceeds maximum/i,
    status: 413,
    code: "CONSUL_REFUSED",
    hint: "Consul takes values of up to 512 KiB; `kv_max_value_size` and `txn_max_req_len` of its configuration raise that.",
  },
  {
    // What a server answered stands behind the same words: only a way to it that is broken is meant.
    says: /rpc error.*(EOF|dial|connect|stream|i\/o)|failed to get conn|no server currently reachable|shutting down/i,
    code: "CONSUL_UNREACHABLE",
    hint: "The agent does not reach its servers: `consul members`.",
    transient: true,
  },
];

/** What Consul's failures are called. */
export const consulErrors: ApiErrors = { unreachable, answer, invalid, isTransient };

function unreachable(purpose: Purpose, server: string, error: TransportError, mayBeDone: boolean): SteppeError {
  const also = mayBeDone ? "; it may have been done all the same" : "";
  const hint = error.mistake === undefined ? undefined : MISTAKES[error.mistake];
  const parts = { ...partsOf(purpose), cause: `Consul at ${server}: ${error.message}${also}`, hint };
  return new SteppeError("CONSUL_UNREACHABLE", parts, { cause: error });
}

function answer(purpose: Purpose, unexpected: UnexpectedAnswer): SteppeError {
  const meaning = meaningOf(unexpected);
  const code = meaning?.code ?? codeOf(unexpected);
  const parts = { ...partsOf(purpose), cause: `Consul at ${unexpected.message}`, hint: meaning?.hint };
  return new SteppeError(code, parts, { cause: unexpected });
}

function invalid(purpose: Purpose, server: string, why: string, cause?: unknown): SteppeError {
  return new SteppeError(
    "CONSUL_ANSWER_INVALID",
    { ...partsOf(purpose), cause: `Consul at ${server}: ${why}` },
    { cause },
  );
}

function isTransient(unexpected: UnexpectedAnswer): boolean {
  return meaningOf(unexpected)?.transient === true;
}

function meaningOf({ status, said }: UnexpectedAnswer): Meaning | undefined {
  if (status < 400 || status === 429) return undefined;
  return MEANINGS.find((meaning) => (meaning.status ?? status) === status && meaning.says.test(said));
}

function codeOf({ status }: UnexpectedAnswer): ErrorCode {
  if (status === 401 || status === 403) return "CONSUL_DENIED";
  if (status === 429) return "CONSUL_LIMITED";
  if (status === 408 || (status >= 502 && status <= 504)) return "CONSUL_UNREACHABLE";
  return status >= 400 ? "CONSUL_REFUSED" : "CONSUL_ANSWER_INVALID";
}

/** A call has more than an error shall say. */
function partsOf({ operation, subject }: Purpose): Purpose {
  return { operation, subject };
}

/** The answer that an error is about; undefined if it is about something else. */
export function unexpectedOf(error: unknown): UnexpectedAnswer | undefined {
  return error instanceof SteppeError && error.cause instanceof UnexpectedAnswer ? error.cause : undefined;
}

/** Whether what failed may work in a while without anybody doing something about it. */
export function isConsulAway(error: unknown): boolean {
  return error instanceof SteppeError && (error.code === "CONSUL_UNREACHABLE" || error.code === "CONSUL_LIMITED");
}
