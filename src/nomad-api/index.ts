/** The client of Nomad's HTTP API. */
export type { AgentHealth, AgentSelf, Member } from "./agent.ts";
export type {
  AllocatedPort,
  Allocation,
  AllocationHealth,
  AllocationSummary,
  TaskEvent,
  TaskState,
} from "./allocation.ts";
export type { AllocationStats } from "./allocations.ts";
export type { Counts } from "./counts.ts";
export { type Deployment, deploymentOf, type DeploymentGroup, isOver, newestFirst } from "./deployment.ts";
export type { DeploymentChange } from "./deployments.ts";
export type { Evaluation } from "./evaluation.ts";
export type { NomadEvent } from "./event.ts";
export type { EventStreamItem, EventTopic } from "./event-stream.ts";
export type { Job, JobListItem, JobSummary } from "./job.ts";
export type { FieldDiff, GroupDiff, JobDiff, ObjectDiff, TaskDiff } from "./job-diff.ts";
export type { JobPlan } from "./job-plan.ts";
export type * from "./job-spec.ts";
export type { JobValidation, JobVersion } from "./jobs.ts";
export type { LogFrame } from "./log-frame.ts";
export type { LogSource } from "./logs.ts";
export type { Namespace } from "./namespaces.ts";
export { milliseconds, type Nanoseconds, nanoseconds } from "./nanoseconds.ts";
export type { DriverHealth, NodeDetails, NodeResources, NodeSummary, NomadNode } from "./nodes.ts";
export { isNomadAway } from "./nomad-errors.ts";
export { Nomad, type NomadClientOptions, type NomadEventOptions, type NomadWatchOptions } from "./nomad.ts";
export { openNomad } from "./open-nomad.ts";
export { type NomadOptions, nomadOptions } from "./options.ts";
export type { PlacementFailure, PlacementFailures } from "./placement-failure.ts";
export type { CallOptions, QueryOptions } from "./query.ts";
export type { JobChange, Registration } from "./registration.ts";
export type { SearchContext, SearchMatches } from "./search.ts";
