import type { Fields } from "../shared/json/fields.ts";
import { type Counts, readCounts } from "./counts.ts";
import { type PlacementFailures, readPlacementFailures } from "./placement-failure.ts";
import { readDate } from "./timestamps.ts";

/** The scheduler's work on a job, after a change or a failure. */
export interface Evaluation {
  id: string;
  namespace: string;
  jobId: string;
  /** `service`, `batch`, …: which scheduler. */
  type: string;
  priority: number;
  /** `job-register`, `deployment-watcher`, `alloc-failure`, `queued-allocs`, … */
  triggeredBy: string;
  /** `pending`, `blocked`, `complete`, `failed` or `canceled`. */
  status: string;
  statusDescription: string;
  /** Of the job that it is about, if that is why it was made. */
  jobModifyIndex: bigint | undefined;
  deploymentId: string | undefined;
  /** Which instances found no place. A deployment goes on as `running` all the same, and its deadline does not begin. */
  placementFailures: PlacementFailures;
  /** The evaluation that waits until there is room for them. */
  blockedEvaluation: string | undefined;
  previousEvaluation: string | undefined;
  nextEvaluation: string | undefined;
  /** Instances of each group that still are to be placed. */
  queued: Counts;
  /** When it is to begin, milliseconds since 1970; undefined if at once. */
  waitUntil: number | undefined;
  createIndex: bigint;
  modifyIndex: bigint;
}

/** Throws ShapeError. */
export function readEvaluation(fields: Fields): Evaluation {
  return {
    id: fields.text("ID"),
    namespace: fields.optionalText("Namespace") ?? "",
    jobId: fields.optionalText("JobID") ?? "",
    type: fields.text("Type"),
    priority: fields.count("Priority"),
    triggeredBy: fields.text("TriggeredBy"),
    status: fields.text("Status"),
    statusDescription: fields.optionalText("StatusDescription") ?? "",
    jobModifyIndex: fields.optionalIndex("JobModifyIndex"),
    deploymentId: idOf(fields, "DeploymentID"),
    placementFailures: readPlacementFailures(fields),
    blockedEvaluation: idOf(fields, "BlockedEval"),
    previousEvaluation: idOf(fields, "PreviousEval"),
    nextEvaluation: idOf(fields, "NextEval"),
    queued: readCounts(fields, "QueuedAllocations"),
    waitUntil: readDate(fields, "WaitUntil"),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
  };
}

/** An id; undefined if there is none, which Go writes as an empty text or leaves out. Throws ShapeError. */
export function idOf(fields: Fields, name: string): string | undefined {
  const id = fields.optionalText(name) ?? "";
  return id === "" ? undefined : id;
}
