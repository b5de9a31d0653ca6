import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { call, type CallOptions, unexpected } from "./query.ts";

/** The agent that answers, by its own account. */
export interface AgentSelf {
  /** `vm.global`; empty of an agent that is only a client. */
  name: string;
  /** `1.6.10`, without what may follow a dash. */
  version: string;
  region: string;
  datacenter: string;
  isServer: boolean;
  isClient: boolean;
  /** Whether it asks for tokens. */
  hasAcl: boolean;
  /** The Consul agent that it registers services at; undefined if there is none. */
  consulAddress: string | undefined;
  /** Whether its servers want a token of Consul with each job. */
  wantsConsulToken: boolean;
  /** How many events it keeps for streams; undefined if it keeps none, or does not say. */
  eventBufferSize: number | undefined;
}

/** How well an agent is, as a client and as a server; what it is not is undefined. */
export interface AgentHealth {
  client: AgentPartHealth | undefined;
  server: AgentPartHealth | undefined;
}

export interface AgentPartHealth {
  ok: boolean;
  /** `ok`, or what is wrong. */
  message: string;
}

/** A server, as the servers know it. */
export interface Member {
  name: string;
  address: string;
  /** `alive`, `leaving`, `left` or `failed`. */
  status: string;
  region: string;
  datacenter: string;
  /** Its version. */
  build: string;
}

/** The agent itself: https://developer.hashicorp.com/nomad/api-docs/agent */
export class Agent {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  self(options: CallOptions = {}): Promise<AgentSelf> {
    const parts = {
      operation: "ask",
      subject: "the Nomad agent for its configuration",
      method: "GET",
      path: ["v1", "agent", "self"],
    } as const;
    return call(this.#api, parts, options, (answer) => readSelf(Fields.of(answer.json())));
  }

  /** An agent that is not well is no error. */
  health(options: CallOptions = {}): Promise<AgentHealth> {
    const path = ["v1", "agent", "health"];
    const parts = {
      operation: "ask",
      subject: "the Nomad agent for its health",
      method: "GET",
      path,
      expect: [200, 500],
    } as const;
    return call(this.#api, parts, options, (answer) => {
      if (answer.status === 500 && !answer.text().startsWith("{")) throw unexpected(this.#api, parts, answer);
      const fields = Fields.of(answer.json());
      return { client: readHealth(fields, "client"), server: readHealth(fields, "server") };
    });
  }

  /** The servers of all regions. Of an agent that is only a client, those that it knows. */
  members(options: CallOptions = {}): Promise<Member[]> {
    const parts = {
      operation: "list",
      subject: "Nomad's servers",
      method: "GET",
      path: ["v1", "agent", "members"],
    } as const;
    return call(this.#api, parts, options, (answer) => Fields.of(answer.json()).objects("Members").map(readMember));
  }
}

function readSelf(fields: Fields): AgentSelf {
  const config = fields.object("config");
  const server = config.optionalObject("Server");
  const hasEvents = server?.flag("EnableEventBroker") ?? false;
  return {
    name: fields.optionalObject("member")?.optionalText("Name") ?? "",
    version: config.object("Version").text("Version"),
    region: config.optionalText("Region") ?? "",
    datacenter: config.optionalText("Datacenter") ?? "",
    isServer: server?.flag("Enabled") ?? false,
    isClient: config.optionalObject("Client")?.flag("Enabled") ?? false,
    hasAcl: config.optionalObject("ACL")?.flag("Enabled") ?? false,
    consulAddress: consulAddressOf(config),
    wantsConsulToken: consulOf(config)?.raw("AllowUnauthenticated") === false,
    eventBufferSize: hasEvents ? server?.optionalCount("EventBufferSize") : undefined,
  };
}

/** Since 1.7 an agent may have several; the first is the one for what says nothing else. */
function consulOf(config: Fields): Fields | undefined {
  return config.optionalObject("Consul") ?? config.objects("Consuls")[0];
}

function consulAddressOf(config: Fields): string | undefined {
  const address = consulOf(config)?.optionalText("Addr") ?? "";
  return address === "" ? undefined : address;
}

function readHealth(fields: Fields, name: string): AgentPartHealth | undefined {
  const part = fields.optionalObject(name);
  return part === undefined ? undefined : { ok: part.flag("ok"), message: part.optionalText("message") ?? "" };
}

function readMember(fields: Fields): Member {
  const tags = fields.record("Tags");
  return {
    name: fields.text("Name"),
    address: fields.text("Addr"),
    status: fields.text("Status"),
    region: tags["region"] ?? "",
    datacenter: tags["dc"] ?? "",
    build: tags["build"] ?? "",
  };
}
