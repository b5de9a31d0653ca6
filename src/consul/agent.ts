import { goDuration } from "../shared/http-api/go-duration.ts";
import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type AgentMember, type AgentSelf, readMember, readSelf } from "./agent-self.ts";
import { type Check, type CheckStatus, readCheck } from "./check.ts";
import { unexpectedOf } from "./consul-errors.ts";
import type { CallOptions } from "./query.ts";

/** A service as an agent has it registered. */
export interface AgentService {
  id: string;
  name: string;
  /** Empty: that of the agent. */
  address: string;
  port: number;
  tags: string[];
  meta: Record<string, string>;
}

/** What is to be registered. */
export interface ServiceRegistration extends AgentService {
  check?: CheckRegistration;
}

export interface CheckRegistration {
  /** Who registered it says how it is, at least so often (milliseconds); or the agent asks an address. */
  kind: { ttlMs: number } | { http: string; everyMs: number; timeoutMs: number };
  /** How it is until that is known. Default: critical. */
  status?: CheckStatus;
  /** Registered no longer when it is critical for so long, milliseconds; Consul's least is a minute. */
  deregisterAfterMs?: number;
}

/** The agent that is asked, and what is registered with it: https://developer.hashicorp.com/consul/api-docs/agent */
export class Agent {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Who answers. */
  self({ signal }: CallOptions = {}): Promise<AgentSelf> {
    const call = get("ask", "Consul's agent", ["self"], signal);
    return this.#api.read(call, (answer) => readSelf(Fields.of(answer.json())));
  }

  /** All agents that this one knows of. */
  members({ signal }: CallOptions = {}): Promise<AgentMember[]> {
    const call = get("list", "Consul's members", ["members"], signal);
    return this.#api.read(call, (answer) => Fields.list(answer.json()).map(readMember));
  }

  /** What is registered with this agent, by id. */
  services({ signal }: CallOptions = {}): Promise<Map<string, AgentService>> {
    const call = get("list", "the services of Consul's agent", ["services"], signal);
    return this.#api.read(call, (answer) => mapOf(answer.json(), readService));
  }

  /** The checks of this agent, by id. */
  checks({ signal }: CallOptions = {}): Promise<Map<string, Check>> {
    const call = get("list", "the checks of Consul's agent", ["checks"], signal);
    return this.#api.read(call, (answer) => mapOf(answer.json(), readCheck));
  }

  /** Registers a service, in place of one of the same id. */
  async register(service: ServiceRegistration, { signal }: CallOptions = {}): Promise<void> {
    const call = put("register the service", service.id, ["service", "register"], signal);
    await this.#api.request({ ...call, json: written(service) });
  }

  /** Takes a service away with its checks; one that is not there as well. */
  async deregister(id: string, { signal }: CallOptions = {}): Promise<void> {
    try {
      await this.#api.request(put("deregister the service", id, ["service", "deregister", id], signal));
    } catch (error) {
      // Newer versions say so, older ones take it as done.
      if (unexpectedOf(error)?.said.startsWith("Unknown service") !== true) throw error;
    }
  }

  /** Takes an instance out of what passes, or ends that. */
  async maintenance(
    id: string,
    { enable, reason, signal }: { enable: boolean; reason?: string } & CallOptions,
  ): Promise<void> {
    const operation = enable ? "begin maintenance of" : "end maintenance of";
    const call = put(operation, id, ["service", "maintenance", id], signal);
    await this.#api.request({ ...call, query: { enable: String(enable), reason } });
  }

  /**
   * Says how a TTL check is: `service:ID` of the one check of a service. Throws CONSUL_REFUSED if the agent has no such check.
   *
   * @param output for people, and for alerts
   */
  async reportCheck(
    id: string,
    { status, output, signal }: { status: CheckStatus; output: string } & CallOptions,
  ): Promise<void> {
    const call = put("report the check", id, ["check", "update", id], signal);
    await this.#api.request({ ...call, json: { Status: status, Output: output } });
  }
}

function get(operation: string, subject: string, path: string[], signal: AbortSignal | undefined): ApiCall {
  return { operation, subject, method: "GET", path: ["v1", "agent", ...path], signal };
}

/** All of them may be done twice. */
function put(operation: string, subject: string, path: string[], signal: AbortSignal | undefined): ApiCall {
  return { operation, subject, method: "PUT", path: ["v1", "agent", ...path], repeatable: true, signal };
}

function mapOf<Item>(value: unknown, read: (fields: Fields) => Item): Map<string, Item> {
  return new Map(Fields.mapOf(value).map(([id, fields]) => [id, read(fields)]));
}

function readService(fields: Fields): AgentService {
  return {
    id: fields.text("ID"),
    name: fields.text("Service"),
    address: fields.optionalText("Address") ?? "",
    port: fields.count("Port"),
    tags: fields.texts("Tags"),
    meta: fields.record("Meta"),
  };
}

function written({ id, name, address, port, tags, meta, check }: ServiceRegistration): Record<string, unknown> {
  const registration = { ID: id, Name: name, Address: address, Port: port, Tags: tags, Meta: meta };
  return check === undefined ? registration : { ...registration, Check: writtenCheck(check) };
}

function writtenCheck({ kind, status, deregisterAfterMs }: CheckRegistration): Record<string, string> {
  const after = {
    ...(status === undefined ? {} : { Status: status }),
    ...(deregisterAfterMs === undefined ? {} : { DeregisterCriticalServiceAfter: goDuration(deregisterAfterMs) }),
  };
  if ("ttlMs" in kind) return { TTL: goDuration(kind.ttlMs), ...after };
  return { HTTP: kind.http, Interval: goDuration(kind.everyMs), Timeout: goDuration(kind.timeoutMs), ...after };
}
