import type { Snapshot } from "../shared/blocking/watch.ts";
import { SteppeError } from "../shared/errors.ts";
import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type KvEntry, readKvEntry } from "./kv-entry.ts";
import { type CallOptions, query, type QueryOptions } from "./query.ts";
import { readFlag } from "./read-flag.ts";

export interface ChangeOptions extends CallOptions {
  /**
   * Only if the key was not changed since: its `modifyIndex`. Of a put, 0 means that there must be no such key. Such a change is not tried again when
   * its answer is lost, as the second try would be told that it is too late.
   */
  cas?: bigint | undefined;
}

export interface PutOptions extends ChangeOptions {
  /** 64 bits that mean what the writer likes. */
  flags?: bigint | undefined;
}

type Value = string | Uint8Array;

/**
 * The key-value store: https://developer.hashicorp.com/consul/api-docs/kv. Keys are any text, but parts between slashes that are empty, `.` or `..` cannot
 * be addressed: USAGE.
 */
export class Kv {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** A key; undefined if there is none, which can be waited on as well. */
  async get(key: string, options: QueryOptions = {}): Promise<Snapshot<KvEntry | undefined>> {
    const call = { ...keyed("read the key", key), expect: [200, 404] };
    return query(this.#api, call, options, (answer) =>
      answer.status === 404 ? undefined : Fields.list(answer.json()).map(readKvEntry)[0],
    );
  }

  /** The value alone, as it is; undefined if there is no such key. */
  async raw(key: string, options: QueryOptions = {}): Promise<Snapshot<Buffer | undefined>> {
    const call = { ...keyed("read the key", key), query: { raw: true }, expect: [200, 404] } as const;
    return query(this.#api, call, options, ({ status, content }) => (status === 404 ? undefined : content));
  }

  /** All keys that begin with `prefix`, which knows no folders: `site` has `site/a` and `sitemap`, `site/` only the first. */
  async list(prefix: string, options: QueryOptions = {}): Promise<Snapshot<KvEntry[]>> {
    const call = { ...prefixed("list the keys below", prefix), query: { recurse: true }, expect: [200, 404] } as const;
    return query(this.#api, call, options, (answer) =>
      answer.status === 404 ? [] : Fields.list(answer.json()).map(readKvEntry),
    );
  }

  /** The names of all keys that begin with `prefix`; with a separator, what comes after the next one is left out, and told once. */
  async keys(prefix: string, options: QueryOptions & { separator?: string } = {}): Promise<Snapshot<string[]>> {
    const names = { keys: true, separator: options.separator } as const;
    const call = { ...prefixed("list the keys below", prefix), query: names, expect: [200, 404] };
    return query(this.#api, call, options, (answer) => (answer.status === 404 ? [] : Fields.texts(answer.json())));
  }

  /** Sets a key. False if `cas` was given and the key was changed since: nothing was done then. */
  async put(key: string, value: Value, { cas, flags, signal }: PutOptions = {}): Promise<boolean> {
    const query = { cas: digits(cas), flags: digits(flags) };
    return this.#change(
      { ...keyed("set the key", key), method: "PUT", content: value, query, signal },
      cas === undefined,
    );
  }

  /** Sets a key and takes its lock for a session. False if another session has it. Throws CONSUL_REFUSED if the session is over. */
  async acquire(key: string, value: Value, session: string, { signal }: CallOptions = {}): Promise<boolean> {
    return this.#change(
      { ...keyed("lock the key", key), method: "PUT", content: value, query: { acquire: session }, signal },
      true,
    );
  }

  /** Sets a key and gives its lock back. False if the session did not have it: nothing was done then. */
  async release(key: string, value: Value, session: string, { signal }: CallOptions = {}): Promise<boolean> {
    return this.#change(
      { ...keyed("unlock the key", key), method: "PUT", content: value, query: { release: session }, signal },
      false,
    );
  }

  /** Deletes a key; true if there was none as well. False if `cas` was given and the key was changed since, or `cas` is 0. */
  async delete(key: string, { cas, signal }: ChangeOptions = {}): Promise<boolean> {
    const call = { ...keyed("delete the key", key), method: "DELETE", query: { cas: digits(cas) }, signal } as const;
    return this.#change(call, cas === undefined);
  }

  /** Deletes all keys below a folder, `certs/active/`. What does not end with a slash is refused: it would take keys beside it, too. */
  async deleteTree(folder: string, { signal }: CallOptions = {}): Promise<void> {
    const purpose = { operation: "delete the keys below", subject: folder };
    if (!folder.endsWith("/") || folder === "/") throw badKey(purpose, "a folder ends with a slash");
    const call = {
      ...prefixed(purpose.operation, folder),
      method: "DELETE",
      query: { recurse: true },
      signal,
    } as const;
    await this.#change(call, true);
  }

  #change(call: ApiCall, repeatable: boolean): Promise<boolean> {
    return this.#api.read({ ...call, repeatable }, readFlag);
  }
}

type Addressed = Pick<ApiCall, "operation" | "subject" | "path" | "trailingSlash">;

function keyed(operation: string, key: string): Addressed {
  if (key === "" || key.endsWith("/")) throw badKey({ operation, subject: key }, "it names no key");
  return prefixed(operation, key);
}

function prefixed(operation: string, prefix: string): Addressed {
  const parts = prefix.split("/");
  const trailingSlash = parts.at(-1) === "";
  return {
    operation,
    subject: prefix,
    path: ["v1", "kv", ...(trailingSlash ? parts.slice(0, -1) : parts)],
    trailingSlash,
  };
}

function badKey({ operation, subject }: { operation: string; subject: string }, cause: string): SteppeError {
  return new SteppeError("USAGE", { operation, subject: JSON.stringify(subject), cause, hint: "Use another name." });
}

function digits(number: bigint | undefined): string | undefined {
  return number === undefined ? undefined : String(number);
}
