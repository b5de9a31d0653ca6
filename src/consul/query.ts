import { parseIndex } from "../shared/blocking/parse-index.ts";
import type { Snapshot } from "../shared/blocking/watch.ts";
import type { ApiAnswer } from "../shared/http-api/api-answer.ts";
import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** With an index, a query answers when there is something newer, or after the wait; a `Question` of `watch` is one. */
export interface QueryOptions extends CallOptions {
  index?: bigint | undefined;
  /** Milliseconds. Default 60,000. */
  waitMs?: number | undefined;
}

const WAIT_MS = 60_000;

/** Asks for something that has an index. */
export function query<Value>(
  api: HttpApi,
  call: Omit<ApiCall, "method" | "blocking" | "signal">,
  { index, waitMs = WAIT_MS, signal }: QueryOptions,
  read: (answer: ApiAnswer) => Value,
): Promise<Snapshot<Value>> {
  const blocking = index === undefined ? undefined : { index, waitMs };
  return api.read({ ...call, method: "GET", blocking, signal }, (answer) => ({
    index: parseIndex(answer.field("x-consul-index")),
    value: read(answer),
  }));
}
