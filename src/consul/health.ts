import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import type { ServiceInstance } from "./catalog.ts";
import { type Check, type CheckStatus, readCheck, summaryOf } from "./check.ts";
import { query, type QueryOptions } from "./query.ts";

/** An instance of a service with its checks, and those of its node. */
export interface ServiceHealth {
  instance: ServiceInstance;
  checks: Check[];
  /** What they come to. */
  status: CheckStatus | "maintenance";
}

export interface ServiceHealthAnswer extends Snapshot<ServiceHealth[]> {
  /** Whether instances were left out that our token may not read. Without a token of ours, and before 1.11, Consul does not tell. */
  isFiltered: boolean;
}

export interface ServiceHealthOptions extends QueryOptions {
  /** Only instances of which all checks pass. */
  passing?: boolean | undefined;
  tag?: string | undefined;
  /** An expression over what comes: https://developer.hashicorp.com/consul/api-docs/features/filtering */
  filter?: string | undefined;
}

/** How well it is: https://developer.hashicorp.com/consul/api-docs/health */
export class Health {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** The instances of a service; none if there is no such service. */
  async service(name: string, options: ServiceHealthOptions = {}): Promise<ServiceHealthAnswer> {
    const { passing = false, tag, filter } = options;
    const call = {
      operation: "look up the health of",
      subject: name,
      path: ["v1", "health", "service", name],
      query: { passing: passing ? (true as const) : undefined, tag, filter },
    };
    const { index, value } = await query(this.#api, call, options, (answer) => ({
      instances: Fields.list(answer.json()).map(readHealth),
      isFiltered: answer.field("x-consul-results-filtered-by-acls") === "true",
    }));
    return { index, value: value.instances, isFiltered: value.isFiltered };
  }

  /** The checks of a service, those of its nodes aside. */
  checks(service: string, options: QueryOptions = {}): Promise<Snapshot<Check[]>> {
    const path = ["v1", "health", "checks", service];
    const call = { operation: "look up the checks of", subject: service, path };
    return query(this.#api, call, options, (answer) => Fields.list(answer.json()).map(readCheck));
  }

  /** All checks of the cluster that are in a state: one query that tells of every service. */
  state(state: CheckStatus | "any", options: QueryOptions = {}): Promise<Snapshot<Check[]>> {
    const call = { operation: "list", subject: `checks in the state ${state}`, path: ["v1", "health", "state", state] };
    return query(this.#api, call, options, (answer) => Fields.list(answer.json()).map(readCheck));
  }
}

function readHealth(fields: Fields): ServiceHealth {
  const checks = fields.objects("Checks").map(readCheck);
  return { instance: readInstance(fields.object("Node"), fields.object("Service")), checks, status: summaryOf(checks) };
}

function readInstance(node: Fields, service: Fields): ServiceInstance {
  const address = service.optionalText("Address") ?? "";
  return {
    id: service.text("ID"),
    name: service.text("Service"),
    address: address === "" ? node.text("Address") : address,
    port: service.count("Port"),
    tags: service.texts("Tags"),
    meta: service.record("Meta"),
    node: node.text("Node"),
    createIndex: service.index("CreateIndex"),
    modifyIndex: service.index("ModifyIndex"),
  };
}
