import type { HttpApi } from "../shared/http-api/http-api.ts";
import { ShapeError } from "../shared/json/shape-error.ts";
import type { CallOptions } from "./query.ts";

/** The state of the servers: https://developer.hashicorp.com/consul/api-docs/status */
export class Status {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** The address of the servers' leader, `10.0.0.1:8300`; undefined if they have none. */
  leader({ signal }: CallOptions = {}): Promise<string | undefined> {
    const path = ["v1", "status", "leader"];
    return this.#api.read(
      { operation: "ask for", subject: "Consul's leader", method: "GET", path, signal },
      (answer) => {
        const leader = answer.json();
        if (typeof leader !== "string") throw new ShapeError("", "a text", leader);
        return leader === "" ? undefined : leader;
      },
    );
  }
}
