import type { Fields } from "../shared/json/fields.ts";
import { type Nanoseconds, readNanoseconds } from "./nanoseconds.ts";
import { readDate } from "./timestamps.ts";

/** How Nomad brings a version of a job up. */
export interface Deployment {
  id: string;
  namespace: string;
  jobId: string;
  jobVersion: number;
  /**
   * Which registration of the job it is of: the `jobModifyIndex` that the registration answered. (Nomad calls it JobSpecModifyIndex; its JobModifyIndex
   * here is the job's ModifyIndex when the deployment began, which may be later:
   * https://github.com/hashicorp/nomad/blob/v1.6.0/nomad/structs/structs.go, NewDeployment.)
   */
  jobModifyIndex: bigint;
  jobCreateIndex: bigint;
  /** `initializing`, `pending`, `running`, `paused`, `blocked`, `unblocking`, `successful`, `failed` or `cancelled`. */
  status: string;
  /** In words: "Failed due to progress deadline - rolling back to job version 2". */
  statusDescription: string;
  groups: Record<string, DeploymentGroup>;
  createIndex: bigint;
  modifyIndex: bigint;
}

export interface DeploymentGroup {
  autoRevert: boolean;
  autoPromote: boolean;
  progressDeadline: Nanoseconds;
  /** When the next instance must be healthy, milliseconds since 1970; undefined while none was placed: then no deadline ends it. */
  requireProgressBy: number | undefined;
  promoted: boolean;
  /** Ids of allocations. */
  placedCanaries: string[];
  desiredCanaries: number;
  desiredTotal: number;
  placed: number;
  healthy: number;
  unhealthy: number;
}

const OVER = new Set(["successful", "failed", "cancelled"]);

/** Whether nothing more will come of it. */
export function isOver({ status }: Pick<Deployment, "status">): boolean {
  return OVER.has(status);
}

/**
 * The deployment of a registration; undefined if there is none yet, or never will be: a job that was registered unchanged has none. What
 * Nomad gives as a job's latest may be that of the registration before.
 *
 * @param jobModifyIndex what the registration answered
 */
export function deploymentOf(
  deployments: readonly Deployment[],
  jobId: string,
  jobModifyIndex: bigint,
): Deployment | undefined {
  return newestFirst(deployments).find(
    (deployment) => deployment.jobId === jobId && deployment.jobModifyIndex === jobModifyIndex,
  );
}

/** Nomad lists them by their ids, which are random. */
export function newestFirst(deployments: readonly Deployment[]): Deployment[] {
  return deployments.toSorted((a, b) => (a.createIndex < b.createIndex ? 1 : a.createIndex > b.createIndex ? -1 : 0));
}

/** Throws ShapeError. */
export function readDeployment(fields: Fields): Deployment {
  return {
    id: fields.text("ID"),
    namespace: fields.optionalText("Namespace") ?? "",
    jobId: fields.text("JobID"),
    jobVersion: fields.count("JobVersion"),
    jobModifyIndex: readJobModifyIndex(fields),
    jobCreateIndex: fields.index("JobCreateIndex"),
    status: fields.text("Status"),
    statusDescription: fields.optionalText("StatusDescription") ?? "",
    groups: Object.fromEntries(fields.entries("TaskGroups").map(([name, group]) => [name, readGroup(group)])),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
  };
}

/** What an old Nomad began before it knew of JobSpecModifyIndex has none, or 0. */
function readJobModifyIndex(fields: Fields): bigint {
  const index = fields.optionalIndex("JobSpecModifyIndex") ?? 0n;
  return index > 0n ? index : fields.index("JobModifyIndex");
}

function readGroup(fields: Fields): DeploymentGroup {
  return {
    autoRevert: fields.flag("AutoRevert"),
    autoPromote: fields.flag("AutoPromote"),
    progressDeadline: readNanoseconds(fields, "ProgressDeadline"),
    requireProgressBy: readDate(fields, "RequireProgressBy"),
    promoted: fields.flag("Promoted"),
    placedCanaries: fields.texts("PlacedCanaries"),
    desiredCanaries: fields.count("DesiredCanaries"),
    desiredTotal: fields.count("DesiredTotal"),
    placed: fields.count("PlacedAllocs"),
    healthy: fields.count("HealthyAllocs"),
    unhealthy: fields.count("UnhealthyAllocs"),
  };
}
