import type { Fields } from "../shared/json/fields.ts";
import { idOf } from "./evaluation.ts";
import { readDate, readTimestamp } from "./timestamps.ts";

/** An instance of a group of a job, placed on a node; as lists have it. */
export interface AllocationSummary {
  id: string;
  /** `web.web[0]` */
  name: string;
  namespace: string;
  jobId: string;
  /** Undefined where Nomad does not say: in events. */
  jobVersion: number | undefined;
  group: string;
  nodeId: string;
  nodeName: string;
  evaluationId: string;
  /** The evaluation that will place its successor, later. */
  followupEvaluation: string | undefined;
  /** `run`, `stop` or `evict`. */
  desiredStatus: string;
  desiredDescription: string;
  /** `pending`, `running`, `complete`, `failed`, `lost` or `unknown`. */
  clientStatus: string;
  clientDescription: string;
  tasks: Record<string, TaskState>;
  /** Its part in a deployment; undefined if it has none, or none yet. */
  health: AllocationHealth | undefined;
  /** Milliseconds since 1970. */
  createdAt: number | undefined;
  modifiedAt: number | undefined;
  createIndex: bigint;
  modifyIndex: bigint;
}

/** One allocation by itself, or of an event. */
export interface Allocation extends AllocationSummary {
  deploymentId: string | undefined;
  /** Where its ports are reached. */
  ports: AllocatedPort[];
}

export interface AllocationHealth {
  /** Undefined until that is known. */
  healthy: boolean | undefined;
  isCanary: boolean;
  /** When that was found, milliseconds since 1970. */
  at: number | undefined;
}

export interface AllocatedPort {
  label: string;
  address: string;
  port: number;
  /** The port inside of the task's network; 0 if it is the same. */
  to: number;
}

export interface TaskState {
  /** `pending`, `running` or `dead`. */
  state: string;
  failed: boolean;
  restarts: number;
  /** Milliseconds since 1970. */
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** The last ten or so, the oldest first. */
  events: TaskEvent[];
}

/** What happened to a task: `Started`, `Terminated`, `Driver Failure`, `Failed Validation`, … */
export interface TaskEvent {
  type: string;
  /** In words, for people. */
  message: string;
  /** `exit_code`, `oom_killed`, `restart_reason`, … */
  details: Record<string, string>;
  /** Milliseconds since 1970. */
  at: number | undefined;
}

/** Throws ShapeError. */
export function readAllocationSummary(fields: Fields): AllocationSummary {
  return {
    id: fields.text("ID"),
    name: fields.text("Name"),
    namespace: fields.optionalText("Namespace") ?? "",
    jobId: fields.text("JobID"),
    jobVersion: fields.optionalCount("JobVersion") ?? fields.optionalObject("Job")?.optionalCount("Version"),
    group: fields.text("TaskGroup"),
    nodeId: fields.text("NodeID"),
    nodeName: fields.optionalText("NodeName") ?? "",
    evaluationId: fields.text("EvalID"),
    followupEvaluation: idOf(fields, "FollowupEvalID"),
    desiredStatus: fields.text("DesiredStatus"),
    desiredDescription: fields.optionalText("DesiredDescription") ?? "",
    clientStatus: fields.text("ClientStatus"),
    clientDescription: fields.optionalText("ClientDescription") ?? "",
    tasks: Object.fromEntries(fields.entries("TaskStates").map(([name, state]) => [name, readTask(state)])),
    health: readHealth(fields.optionalObject("DeploymentStatus")),
    createdAt: readTimestamp(fields, "CreateTime"),
    modifiedAt: readTimestamp(fields, "ModifyTime"),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
  };
}

/** Throws ShapeError. */
export function readAllocation(fields: Fields): Allocation {
  return { ...readAllocationSummary(fields), deploymentId: idOf(fields, "DeploymentID"), ports: readPorts(fields) };
}

function readHealth(fields: Fields | undefined): AllocationHealth | undefined {
  if (fields === undefined) return undefined;
  return {
    healthy: fields.has("Healthy") ? fields.flag("Healthy") : undefined,
    isCanary: fields.flag("Canary"),
    at: readDate(fields, "Timestamp"),
  };
}

/** Ports of the group's network. Those of a task's own, as jobs had them before 0.12, lie in the networks of the tasks. */
function readPorts(fields: Fields): AllocatedPort[] {
  const allocated = fields.optionalObject("AllocatedResources");
  const shared = (allocated?.optionalObject("Shared")?.objects("Ports") ?? []).map((port) => ({
    label: port.text("Label"),
    address: port.optionalText("HostIP") ?? "",
    port: port.count("Value"),
    to: port.optionalCount("To") ?? 0,
  }));
  const tasks = allocated?.entries("Tasks") ?? [];
  return [...shared, ...tasks.flatMap(([, task]) => task.objects("Networks").flatMap(portsOfNetwork))];
}

function portsOfNetwork(network: Fields): AllocatedPort[] {
  const address = network.optionalText("IP") ?? "";
  return [...network.objects("ReservedPorts"), ...network.objects("DynamicPorts")].map((port) => ({
    label: port.text("Label"),
    address,
    port: port.count("Value"),
    to: port.optionalCount("To") ?? 0,
  }));
}

function readTask(fields: Fields): TaskState {
  return {
    state: fields.text("State"),
    failed: fields.flag("Failed"),
    restarts: fields.optionalCount("Restarts") ?? 0,
    startedAt: readDate(fields, "StartedAt"),
    finishedAt: readDate(fields, "FinishedAt"),
    events: fields.objects("Events").map(readEvent),
  };
}

function readEvent(fields: Fields): TaskEvent {
  const message = fields.optionalText("DisplayMessage") ?? "";
  return {
    type: fields.text("Type"),
    message: message === "" ? (fields.optionalText("Message") ?? "") : message,
    details: fields.record("Details"),
    at: readTimestamp(fields, "Time"),
  };
}
