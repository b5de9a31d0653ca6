import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { find, query, type QueryOptions } from "./query.ts";

/** A machine on which allocations run. */
export interface NomadNode {
  id: string;
  name: string;
  datacenter: string;
  nodeClass: string;
  /** `initializing`, `ready`, `down` or `disconnected`. */
  status: string;
  statusDescription: string;
  isDraining: boolean;
  /** Whether something new may be placed there. */
  isEligible: boolean;
  drivers: Record<string, DriverHealth>;
  /** What it has in all; undefined where Nomad does not say. */
  resources: NodeResources | undefined;
  createIndex: bigint;
  modifyIndex: bigint;
}

export interface DriverHealth {
  /** Whether it is there at all. */
  detected: boolean;
  healthy: boolean;
  description: string;
}

export interface NodeResources {
  /** MHz of all cores. */
  cpu: number;
  /** MiB. */
  memory: number;
  /** MiB. */
  disk: number;
}

/** A node of a list. */
export interface NodeSummary extends NomadNode {
  address: string;
  /** Nomad's. */
  version: string;
}

/** One node with all that it says of itself. */
export interface NodeDetails extends NomadNode {
  httpAddress: string;
  attributes: Record<string, string>;
  meta: Record<string, string>;
}

/** https://developer.hashicorp.com/nomad/api-docs/nodes */
export class Nodes {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  list(options: QueryOptions = {}): Promise<Snapshot<NodeSummary[]>> {
    const parts = { operation: "list", subject: "Nomad's nodes", path: ["v1", "nodes"], query: { resources: "true" } };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readSummary));
  }

  read(id: string, options: QueryOptions = {}): Promise<Snapshot<NodeDetails | undefined>> {
    const parts = { operation: "read the node", subject: id, path: ["v1", "node", id] };
    return find(this.#api, parts, options, (answer) => readNode(Fields.of(answer.json())));
  }
}

function readSummary(fields: Fields): NodeSummary {
  return {
    ...readCommon(fields),
    address: fields.optionalText("Address") ?? "",
    version: fields.optionalText("Version") ?? "",
  };
}

/** Throws ShapeError. A node's `SecretID`, which Nomad gives along in old versions, is left where it is. */
export function readNode(fields: Fields): NodeDetails {
  return {
    ...readCommon(fields),
    httpAddress: fields.optionalText("HTTPAddr") ?? "",
    attributes: fields.record("Attributes"),
    meta: fields.record("Meta"),
  };
}

function readCommon(fields: Fields): NomadNode {
  return {
    id: fields.text("ID"),
    name: fields.text("Name"),
    datacenter: fields.text("Datacenter"),
    nodeClass: fields.optionalText("NodeClass") ?? "",
    status: fields.text("Status"),
    statusDescription: fields.optionalText("StatusDescription") ?? "",
    isDraining: fields.flag("Drain") || fields.has("DrainStrategy"),
    isEligible: fields.optionalText("SchedulingEligibility") !== "ineligible",
    drivers: Object.fromEntries(fields.entries("Drivers").map(([name, driver]) => [name, readDriver(driver)])),
    resources: readResources(fields.optionalObject("NodeResources")),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
  };
}

function readResources(fields: Fields | undefined): NodeResources | undefined {
  if (fields === undefined) return undefined;
  return {
    cpu: fields.object("Cpu").count("CpuShares"),
    memory: fields.object("Memory").count("MemoryMB"),
    disk: fields.object("Disk").count("DiskMB"),
  };
}

function readDriver(fields: Fields): DriverHealth {
  return {
    detected: fields.flag("Detected"),
    healthy: fields.flag("Healthy"),
    description: fields.optionalText("HealthDescription") ?? "",
  };
}
