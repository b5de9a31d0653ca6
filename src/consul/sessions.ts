import { goDuration } from "../shared/http-api/go-duration.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import type { CallOptions } from "./query.ts";
import { readFlag } from "./read-flag.ts";

export interface NewSession {
  /** For people. */
  name: string;
  /** It is over when it was not renewed for so long, or up to twice that, milliseconds: 10,000 to 86,400,000. */
  ttlMs: number;
  /** What then becomes of keys whose lock it has. */
  behavior: "release" | "delete";
  /** How long nobody else can take such a lock then, milliseconds. */
  lockDelayMs: number;
}

export interface Session {
  id: string;
  name: string;
  node: string;
}

/** Sessions, which hold locks of keys: https://developer.hashicorp.com/consul/api-docs/session */
export class Sessions {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Resolves with its id. */
  create({ name, ttlMs, behavior, lockDelayMs }: NewSession, { signal }: CallOptions = {}): Promise<string> {
    const json = { Name: name, TTL: goDuration(ttlMs), Behavior: behavior, LockDelay: goDuration(lockDelayMs) };
    return this.#api.read(
      { operation: "begin the session", subject: name, method: "PUT", path: ["v1", "session", "create"], json, signal },
      (answer) => Fields.of(answer.json()).text("ID"),
    );
  }

  /** Keeps it alive; undefined if it is over. */
  renew(id: string, { signal }: CallOptions = {}): Promise<Session | undefined> {
    const call = { operation: "renew the session", subject: id, path: ["v1", "session", "renew", id] };
    return this.#one({ ...call, method: "PUT" }, signal);
  }

  /** What is known of it; undefined if it is over. */
  read(id: string, { signal }: CallOptions = {}): Promise<Session | undefined> {
    const call = { operation: "read the session", subject: id, path: ["v1", "session", "info", id] };
    return this.#one({ ...call, method: "GET" }, signal);
  }

  /** Ends it; one that is over already as well. */
  async destroy(id: string, { signal }: CallOptions = {}): Promise<void> {
    const call = { operation: "end the session", subject: id, path: ["v1", "session", "destroy", id] };
    await this.#api.read({ ...call, method: "PUT", repeatable: true, signal }, readFlag);
  }

  #one(
    call: { operation: string; subject: string; path: string[]; method: "GET" | "PUT" },
    signal: AbortSignal | undefined,
  ): Promise<Session | undefined> {
    return this.#api.read({ ...call, expect: [200, 404], repeatable: true, signal }, (answer) =>
      answer.status === 404 ? undefined : Fields.list(answer.json()).map(readSession)[0],
    );
  }
}

function readSession(fields: Fields): Session {
  return { id: fields.text("ID"), name: fields.optionalText("Name") ?? "", node: fields.text("Node") };
}
