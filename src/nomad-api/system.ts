import type { HttpApi } from "../shared/http-api/http-api.ts";
import { call, type CallOptions } from "./query.ts";

/** https://developer.hashicorp.com/nomad/api-docs/system */
export class System {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Has all that is over forgotten, without its time of grace: jobs that are dead, evaluations, allocations, nodes that are down. Goes on after the answer. */
  async collectGarbage(options: CallOptions = {}): Promise<void> {
    const path = ["v1", "system", "gc"];
    const parts = { operation: "collect", subject: "Nomad's garbage", method: "PUT", path, repeatable: true } as const;
    await call(this.#api, parts, options, () => undefined);
  }
}
