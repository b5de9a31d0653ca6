import { parseIndex } from "../shared/blocking/parse-index.ts";
import type { Snapshot } from "../shared/blocking/watch.ts";
import type { ApiAnswer } from "../shared/http-api/api-answer.ts";
import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { UnexpectedAnswer } from "../shared/http-api/unexpected-answer.ts";
import { withoutMissing } from "../shared/http-api/without-missing.ts";
import { nomadErrors } from "./nomad-errors.ts";

export interface CallOptions {
  /** In place of the client's own; `*` are all, where something is listed. */
  namespace?: string | undefined;
  /** In place of the client's own. */
  region?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** With an index, a query answers when there is something newer, or after the wait; a `Question` of `watch` is one. */
export interface QueryOptions extends CallOptions {
  index?: bigint | undefined;
  /** Milliseconds. Default 60,000. */
  waitMs?: number | undefined;
}

/** What a call says by itself; the rest comes from its options. */
export type CallParts = Omit<ApiCall, "blocking" | "signal">;
type QueryParts = Omit<CallParts, "method">;

const WAIT_MS = 60_000;

/** Asks for something that has an index. */
export function query<Value>(
  api: HttpApi,
  parts: QueryParts,
  options: QueryOptions,
  read: (answer: ApiAnswer) => Value,
): Promise<Snapshot<Value>> {
  const { index, waitMs = WAIT_MS } = options;
  const blocking = index === undefined ? undefined : { index, waitMs };
  return api.read({ ...callOf({ ...parts, method: "GET" }, options), blocking }, (answer) => ({
    index: parseIndex(answer.field("x-nomad-index")),
    value: read(answer),
  }));
}

/** Asks for one thing, which may not be there: then it is undefined. */
export function find<Value>(
  api: HttpApi,
  parts: QueryParts,
  options: QueryOptions,
  read: (answer: ApiAnswer) => Value,
): Promise<Snapshot<Value | undefined>> {
  return query(api, { ...parts, expect: [200, 404] }, options, (answer) => {
    if (answer.status === 200) return read(answer);
    // An old Nomad that lacks the endpoint, and a proxy in between, answer 404 as well.
    if (/not found/i.test(answer.text()) && !answer.text().startsWith("<")) return undefined;
    throw unexpected(api, parts, answer);
  });
}

/** Anything else. */
export function call<Value>(
  api: HttpApi,
  parts: CallParts,
  options: CallOptions,
  read: (answer: ApiAnswer) => Value,
): Promise<Value> {
  return api.read(callOf(parts, options), read);
}

/** The error for an answer that is another than it seemed to be. */
export function unexpected(api: HttpApi, { operation, subject }: QueryParts, answer: ApiAnswer): Error {
  const { status } = answer;
  const parts = { server: api.server, status, body: answer.text().trim(), expected: [200] };
  return nomadErrors.answer({ operation, subject }, new UnexpectedAnswer(parts));
}

/** A call as the client makes it, with what its options say of where and how long. */
export function callOf(parts: CallParts, { namespace, region, signal }: CallOptions): ApiCall {
  return { ...parts, query: { ...withoutMissing({ namespace, region }), ...parts.query }, signal };
}
