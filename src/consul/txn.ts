import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type KvEntry, readKvEntry } from "./kv-entry.ts";
import type { CallOptions } from "./query.ts";

/** One of the operations of a transaction, with keys that may be any text. */
export type TxnOperation =
  | { verb: "set"; key: string; value: string | Uint8Array; flags?: bigint }
  /** Only if the key was not changed since; 0: only if there is none. */
  | { verb: "cas"; key: string; value: string | Uint8Array; index: bigint; flags?: bigint }
  | { verb: "get" | "delete" | "delete-tree" | "check-not-exists"; key: string }
  | { verb: "delete-cas" | "check-index"; key: string; index: bigint };

export type TxnOutcome =
  /** What was written, without values, and what was read. */
  | { committed: true; entries: KvEntry[] }
  /** Nothing was done, since these do not fit. */
  | { committed: false; errors: TxnFailure[] };

export interface TxnFailure {
  /** Which of the operations; 0 is the first. */
  operation: number;
  /** What Consul says: `failed to set key "a", index is stale`. */
  what: string;
}

/**
 * All of the operations or none: https://developer.hashicorp.com/consul/api-docs/txn. Up to 64, or 128 in newer versions. Is not tried again when its answer is
 * lost: it may have been carried out.
 */
export async function runTransaction(
  api: HttpApi,
  operations: readonly TxnOperation[],
  { signal }: CallOptions = {},
): Promise<TxnOutcome> {
  const subject = operations.map(({ verb, key }) => `${verb} ${key}`).join(", ");
  const json = operations.map((operation) => ({ KV: written(operation) }));
  const path = ["v1", "txn"];
  const call = {
    operation: "change together",
    subject,
    method: "PUT",
    path,
    json,
    expect: [200, 409],
    signal,
  } as const;
  return api.read(call, (answer) => {
    const fields = Fields.of(answer.json());
    if (answer.status === 409) return { committed: false, errors: fields.objects("Errors").map(readFailure) };
    // There is a result of each operation that has one: of deletions there is none.
    return { committed: true, entries: fields.objects("Results").map((result) => readKvEntry(result.object("KV"))) };
  });
}

function written(operation: TxnOperation): Record<string, unknown> {
  return {
    Verb: operation.verb,
    Key: operation.key,
    ...("value" in operation ? { Value: Buffer.from(operation.value).toString("base64") } : {}),
    ...("flags" in operation ? { Flags: operation.flags } : {}),
    ...("index" in operation ? { Index: operation.index } : {}),
  };
}

function readFailure(fields: Fields): TxnFailure {
  return { operation: fields.count("OpIndex"), what: fields.text("What") };
}
