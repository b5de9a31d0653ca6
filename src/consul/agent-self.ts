import type { Fields } from "../shared/json/fields.ts";

/** An agent of Consul. */
export interface AgentSelf {
  datacenter: string;
  nodeName: string;
  /** Such as `1.10.11`. */
  version: string;
  isServer: boolean;
  /** Undefined if the agent does not say. */
  aclsEnabled: boolean | undefined;
}

const MEMBER_STATES = ["none", "alive", "leaving", "left", "failed"] as const;

export interface AgentMember {
  name: string;
  address: string;
  /** How the others see it; `unknown` if it is a state that a newer Consul has. */
  state: (typeof MEMBER_STATES)[number] | "unknown";
  isServer: boolean;
  /** Empty if it does not say. */
  version: string;
}

/** Throws ShapeError. */
export function readSelf(fields: Fields): AgentSelf {
  const config = fields.object("Config");
  const debug = fields.optionalObject("DebugConfig");
  return {
    datacenter: config.text("Datacenter"),
    nodeName: config.text("NodeName"),
    version: config.text("Version"),
    isServer: config.flag("Server"),
    aclsEnabled: debug?.has("ACLsEnabled") === true ? debug.flag("ACLsEnabled") : undefined,
  };
}

/** Throws ShapeError. */
export function readMember(fields: Fields): AgentMember {
  const tags = fields.record("Tags");
  return {
    name: fields.text("Name"),
    address: fields.text("Addr"),
    state: MEMBER_STATES[fields.count("Status")] ?? "unknown",
    isServer: tags["role"] === "consul",
    // With the revision: `1.10.11:de95b6f5`.
    version: tags["build"]?.split(":", 1)[0] ?? "",
  };
}
