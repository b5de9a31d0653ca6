/** The client of Consul's HTTP API. */
export { type Acl, type OwnToken, type Permission } from "./acl.ts";
export { type Agent, type AgentService, type CheckRegistration, type ServiceRegistration } from "./agent.ts";
export { type AgentMember, type AgentSelf } from "./agent-self.ts";
export { type Catalog, type ConsulNode, type ServiceInstance } from "./catalog.ts";
export { type Check, type CheckStatus } from "./check.ts";
export { Consul, type ConsulClientOptions, type ConsulWatchOptions } from "./consul.ts";
export { isConsulAway } from "./consul-errors.ts";
export { consulToken } from "./consul-token.ts";
export { type Health, type ServiceHealth, type ServiceHealthOptions } from "./health.ts";
export { type ChangeOptions, type Kv, type PutOptions } from "./kv.ts";
export { type KvEntry } from "./kv-entry.ts";
export { openConsul } from "./open-consul.ts";
export { consulOptions, type ConsulOptions } from "./options.ts";
export { type CallOptions, type QueryOptions } from "./query.ts";
export { type NewSession, type Session, type Sessions } from "./sessions.ts";
export { type TxnFailure, type TxnOperation, type TxnOutcome } from "./txn.ts";
