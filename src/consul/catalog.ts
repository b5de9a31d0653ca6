import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type CallOptions, query, type QueryOptions } from "./query.ts";

/** An instance of a service, as it was registered. */
export interface ServiceInstance {
  id: string;
  name: string;
  /** Where it is: its own address, or that of its node. */
  address: string;
  port: number;
  tags: string[];
  meta: Record<string, string>;
  node: string;
  createIndex: bigint;
  modifyIndex: bigint;
}

export interface ConsulNode {
  id: string;
  name: string;
  address: string;
  datacenter: string;
  meta: Record<string, string>;
}

/** What is registered, whether it is well or not: https://developer.hashicorp.com/consul/api-docs/catalog */
export class Catalog {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** All services by their names, each with all tags that its instances have. */
  services(options: QueryOptions = {}): Promise<Snapshot<Map<string, string[]>>> {
    const call = { operation: "list", subject: "Consul's services", path: ["v1", "catalog", "services"] };
    return query(this.#api, call, options, (answer) => {
      const fields = Fields.of(answer.json());
      return new Map(fields.names().map((name) => [name, fields.texts(name)]));
    });
  }

  /** The instances of a service; none if there is no such service. */
  service(name: string, options: QueryOptions & { tag?: string } = {}): Promise<Snapshot<ServiceInstance[]>> {
    const call = {
      operation: "look up the service",
      subject: name,
      path: ["v1", "catalog", "service", name],
      query: { tag: options.tag },
    };
    return query(this.#api, call, options, (answer) => Fields.list(answer.json()).map(readInstance));
  }

  nodes(options: QueryOptions = {}): Promise<Snapshot<ConsulNode[]>> {
    const call = { operation: "list", subject: "Consul's nodes", path: ["v1", "catalog", "nodes"] };
    return query(this.#api, call, options, (answer) => Fields.list(answer.json()).map(readNode));
  }

  /** The names of all datacenters that are known, the nearest first. */
  datacenters({ signal }: CallOptions = {}): Promise<string[]> {
    const path = ["v1", "catalog", "datacenters"];
    return this.#api.read(
      { operation: "list", subject: "Consul's datacenters", method: "GET", path, signal },
      (answer) => Fields.texts(answer.json()),
    );
  }
}

function readInstance(fields: Fields): ServiceInstance {
  const address = fields.optionalText("ServiceAddress") ?? "";
  return {
    id: fields.text("ServiceID"),
    name: fields.text("ServiceName"),
    address: address === "" ? fields.text("Address") : address,
    port: fields.count("ServicePort"),
    tags: fields.texts("ServiceTags"),
    meta: fields.record("ServiceMeta"),
    node: fields.text("Node"),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
  };
}

function readNode(fields: Fields): ConsulNode {
  return {
    id: fields.optionalText("ID") ?? "",
    name: fields.text("Node"),
    address: fields.text("Address"),
    datacenter: fields.optionalText("Datacenter") ?? "",
    meta: fields.record("Meta"),
  };
}
