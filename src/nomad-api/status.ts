import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";
import { call, type CallOptions } from "./query.ts";

/** The state of the servers: https://developer.hashicorp.com/nomad/api-docs/status */
export class Status {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** The address of the servers' leader, `10.0.0.1:4647`; undefined if they have none. */
  leader(options: CallOptions = {}): Promise<string | undefined> {
    const parts = {
      operation: "ask for",
      subject: "Nomad's leader",
      method: "GET",
      path: ["v1", "status", "leader"],
    } as const;
    return call(this.#api, parts, options, (answer) => {
      const leader = answer.json();
      if (typeof leader !== "string") throw new ShapeError("", "a text", leader);
      return leader === "" ? undefined : leader;
    });
  }

  /** The addresses of all servers. */
  peers(options: CallOptions = {}): Promise<string[]> {
    const parts = {
      operation: "ask for",
      subject: "Nomad's servers",
      method: "GET",
      path: ["v1", "status", "peers"],
    } as const;
    return call(this.#api, parts, options, (answer) => Fields.texts(answer.json()));
  }

  /** The names of all regions that are known. */
  regions(options: CallOptions = {}): Promise<string[]> {
    const parts = { operation: "ask for", subject: "Nomad's regions", method: "GET", path: ["v1", "regions"] } as const;
    return call(this.#api, parts, options, (answer) => Fields.texts(answer.json()));
  }
}
