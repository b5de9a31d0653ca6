export type { DrainTimes, IngressAddresses, IngressStatus } from "./control-protocol.ts";
export type { AccessRecord } from "./access-log.ts";
export type { IngressConfig, IngressLimits } from "./ingress-config.ts";
export { IngressSupervisor, type IngressSupervisorOptions } from "./ingress-supervisor.ts";
export type { ListenAddress } from "./listen-address.ts";
export { stopIngress } from "./stop-ingress.ts";
