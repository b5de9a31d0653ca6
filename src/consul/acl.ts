import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { unexpectedOf } from "./consul-errors.ts";
import type { CallOptions } from "./query.ts";

/** Something that a token may be allowed to do. */
export interface Permission {
  resource: "key" | "service" | "session" | "node" | "agent";
  access: "read" | "write" | "list";
  /** The key, the service, …: whoever may do it with this name. */
  name: string;
}

export interface OwnToken {
  /** What names the token, and is no secret. */
  accessorId: string;
  description: string;
  policies: string[];
}

/** Access: https://developer.hashicorp.com/consul/api-docs/acl */
export class Acl {
  readonly hasToken: boolean;
  readonly #api: HttpApi;

  /** @param hasToken whether requests have a token of ours; without one the agent may have one of its own */
  constructor(api: HttpApi, hasToken: boolean) {
    this.#api = api;
    this.hasToken = hasToken;
  }

  /** The token that we have; undefined if this Consul has no ACLs. Throws CONSUL_DENIED if there is no such token. */
  ownToken({ signal }: CallOptions = {}): Promise<OwnToken | undefined> {
    const path = ["v1", "acl", "token", "self"];
    return this.#unlessDisabled(
      { operation: "read", subject: "our token of Consul", method: "GET", path, signal },
      undefined,
      (value) => readToken(Fields.of(value)),
    );
  }

  /**
   * For each permission, whether our token has it; all of them if this Consul has no ACLs. Up to 64. It is what Consul's own pages ask
   * (`/v1/internal/acl/authorize`), and changes nothing.
   */
  allows(permissions: readonly Permission[], { signal }: CallOptions = {}): Promise<boolean[]> {
    const json = permissions.map(({ resource, access, name }) => ({
      Resource: resource,
      Access: access,
      Segment: name,
    }));
    const path = ["v1", "internal", "acl", "authorize"];
    return this.#unlessDisabled(
      { operation: "ask for", subject: "what our token allows", method: "POST", path, json, repeatable: true, signal },
      permissions.map(() => true),
      (value) => Fields.list(value).map((fields) => fields.flag("Allow")),
    );
  }

  async #unlessDisabled<Value>(call: ApiCall, disabled: Value, read: (value: unknown) => Value): Promise<Value> {
    try {
      return await this.#api.read(call, (answer) => read(answer.json()));
    } catch (error) {
      if (unexpectedOf(error)?.said.includes("ACL support disabled") === true) return disabled;
      throw error;
    }
  }
}

function readToken(fields: Fields): OwnToken {
  return {
    accessorId: fields.text("AccessorID"),
    description: fields.optionalText("Description") ?? "",
    policies: fields.objects("Policies").map((policy) => policy.text("Name")),
  };
}
