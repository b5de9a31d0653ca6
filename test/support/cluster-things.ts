import type {
  Allocation,
  AllocationSummary,
  Deployment,
  DeploymentGroup,
  Evaluation,
} from "../../src/nomad-api/index.ts";
import { nanoseconds } from "../../src/nomad-api/index.ts";

/** A group of a deployment of which one instance is wanted, and nothing has happened. */
export function testGroup(change: Partial<DeploymentGroup> = {}): DeploymentGroup {
  return {
    autoRevert: true,
    autoPromote: false,
    progressDeadline: nanoseconds(600_000),
    requireProgressBy: undefined,
    promoted: false,
    placedCanaries: [],
    desiredCanaries: 0,
    desiredTotal: 1,
    placed: 0,
    healthy: 0,
    unhealthy: 0,
    ...change,
  };
}

/** A deployment of the job `blog`, for tests. */
export function testDeployment(change: Partial<Deployment> = {}): Deployment {
  return {
    id: "d",
    namespace: "default",
    jobId: "blog",
    jobVersion: 0,
    jobModifyIndex: 10n,
    jobCreateIndex: 10n,
    status: "running",
    statusDescription: "Deployment is running",
    groups: { blog: testGroup() },
    createIndex: 11n,
    modifyIndex: 11n,
    ...change,
  };
}

/** An instance of the job `blog` as lists have it, for tests. */
export function testInstance(change: Partial<AllocationSummary> = {}): AllocationSummary {
  return {
    id: "a",
    name: "blog.blog[0]",
    namespace: "default",
    jobId: "blog",
    jobVersion: 0,
    group: "blog",
    nodeId: "n",
    nodeName: "node",
    evaluationId: "e",
    followupEvaluation: undefined,
    desiredStatus: "run",
    desiredDescription: "",
    clientStatus: "running",
    clientDescription: "",
    tasks: {},
    health: undefined,
    createdAt: undefined,
    modifiedAt: undefined,
    createIndex: 11n,
    modifyIndex: 11n,
    ...change,
  };
}

/** The same as events have it: its version they do not say. */
export function testAllocation(change: Partial<Allocation> = {}): Allocation {
  return { ...testInstance(), jobVersion: undefined, deploymentId: undefined, ports: [], ...change };
}

/** An evaluation of the job `blog`, for tests. */
export function testEvaluation(change: Partial<Evaluation> = {}): Evaluation {
  return {
    id: "e",
    namespace: "default",
    jobId: "blog",
    type: "service",
    priority: 50,
    triggeredBy: "job-register",
    status: "complete",
    statusDescription: "",
    jobModifyIndex: 10n,
    deploymentId: undefined,
    placementFailures: {},
    blockedEvaluation: undefined,
    previousEvaluation: undefined,
    nextEvaluation: undefined,
    queued: {},
    waitUntil: undefined,
    createIndex: 10n,
    modifyIndex: 11n,
    ...change,
  };
}
