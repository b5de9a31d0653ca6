import type { Check } from "../../../consul/index.ts";

/** Whether visitors are sent to an instance; `perhaps`: as its `registry.consul.service.status` and `registry.consul.checksRequired` have it. */
export type Served = "yes" | "perhaps" | "no";

/** What Fabio makes of an instance with these checks, its own and its node's: https://github.com/fabiolb/fabio/blob/master/registry/consul/passing.go */
export function servedByFabio(checks: readonly Check[]): Served {
  const own = checks.filter(isOwn);
  if (own.length === 0 || checks.some(isAway)) return "no";
  if (own.every(({ status }) => status === "passing")) return "yes";
  return own.every(({ status }) => status === "critical") ? "no" : "perhaps";
}

/** Whether a check is one of the instance, and not of its node. */
export function isOwn({ id, serviceId }: Check): boolean {
  return serviceId !== "" && !id.startsWith(SERVICE_MAINTENANCE);
}

const SERVICE_MAINTENANCE = "_service_maintenance:";

/** Of the node's own checks, Fabio heeds no other. */
function isAway({ id, status }: Check): boolean {
  if (id === "serfHealth" || id.startsWith(SERVICE_MAINTENANCE)) return status === "critical";
  return id === "_node_maintenance";
}
