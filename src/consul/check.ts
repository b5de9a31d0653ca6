import type { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";

const CHECK_STATUSES = ["passing", "warning", "critical"] as const;

export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** A health check as Consul has it. */
export interface Check {
  id: string;
  name: string;
  node: string;
  /** Empty of a check of the node itself. */
  serviceId: string;
  serviceName: string;
  status: CheckStatus;
  /** `http`, `tcp`, `ttl`, …; empty where Consul does not say. */
  type: string;
  /** What the check said last: "HTTP GET http://10.0.0.1:80/: 503 Service Unavailable". */
  output: string;
  notes: string;
}

/** Throws ShapeError. */
export function readCheck(fields: Fields): Check {
  return {
    id: fields.text("CheckID"),
    name: fields.text("Name"),
    node: fields.text("Node"),
    serviceId: fields.optionalText("ServiceID") ?? "",
    serviceName: fields.optionalText("ServiceName") ?? "",
    status: readStatus(fields),
    type: fields.optionalText("Type") ?? "",
    output: fields.optionalText("Output") ?? "",
    notes: fields.optionalText("Notes") ?? "",
  };
}

function readStatus(fields: Fields): CheckStatus {
  const text = fields.text("Status");
  const status = CHECK_STATUSES.find((known) => known === text);
  if (status === undefined) throw new ShapeError(fields.at("Status"), CHECK_STATUSES.join(" or "), text);
  return status;
}

const NODE_MAINTENANCE = "_node_maintenance";
const SERVICE_MAINTENANCE = "_service_maintenance:";

/** What all checks of an instance come to, as Consul itself sums them up: the worst of them, and maintenance before everything. */
export function summaryOf(checks: readonly Pick<Check, "id" | "status">[]): CheckStatus | "maintenance" {
  if (checks.some(({ id }) => id === NODE_MAINTENANCE || id.startsWith(SERVICE_MAINTENANCE))) return "maintenance";
  if (checks.some(({ status }) => status === "critical")) return "critical";
  return checks.some(({ status }) => status === "warning") ? "warning" : "passing";
}
