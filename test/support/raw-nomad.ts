import type { JobSpec } from "../../src/nomad-api/index.ts";

/** A version of a job as Nomad gives it. */
export interface RawJob extends JobSpec {
  Version: number;
  Stable: boolean;
  Stop: boolean;
  CreateIndex: number;
  ModifyIndex: number;
  JobModifyIndex: number;
}

export interface RawInstance {
  ID: string;
  JobID: string;
  TaskGroup: string;
  JobVersion: number;
  DeploymentID: string;
  DesiredStatus: string;
  ClientStatus: string;
  ClientDescription?: string;
  TaskStates: Record<string, object>;
  DeploymentStatus: { Healthy: boolean | null; Canary: boolean };
  /** Whether its checks pass; that is Consul's to know. */
  Passing: boolean;
  /** What its check says; Consul's as well. */
  Output?: string;
  CreateIndex: number;
  ModifyIndex: number;
  [other: string]: unknown;
}

export interface RawGroup {
  AutoRevert: boolean;
  AutoPromote: boolean;
  ProgressDeadline: number;
  Promoted: boolean;
  PlacedCanaries: string[];
  DesiredCanaries: number;
  DesiredTotal: number;
  PlacedAllocs: number;
  HealthyAllocs: number;
  UnhealthyAllocs: number;
}

export interface RawDeployment {
  ID: string;
  JobID: string;
  JobVersion: number;
  JobSpecModifyIndex: number;
  JobModifyIndex: number;
  JobCreateIndex: number;
  Status: string;
  StatusDescription: string;
  TaskGroups: Record<string, RawGroup>;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface RawEvaluation {
  ID: string;
  ModifyIndex: number;
  [other: string]: unknown;
}
