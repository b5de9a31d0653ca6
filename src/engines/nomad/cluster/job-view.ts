import {
  type Allocation,
  type AllocationSummary,
  type Deployment,
  deploymentOf,
  type Evaluation,
  type Job,
  newestFirst,
  type NomadEvent,
} from "../../../nomad-api/index.ts";

/** An instance, as far as is known of it. */
export type JobInstance = AllocationSummary & { deploymentId?: string | undefined };

/** What Nomad answered when it was asked for all that a job has. */
export interface JobLists {
  deployments: readonly Deployment[];
  allocations: readonly AllocationSummary[];
  evaluations: readonly Evaluation[];
}

/** What is known of one job: what Nomad listed, and what its events told since. Of each thing the newest counts, in whatever order they come. */
export class JobView {
  readonly #deployments = new Map<string, Deployment>();
  readonly #instances = new Map<string, JobInstance>();
  readonly #evaluations = new Map<string, Evaluation>();
  #job: Job | undefined;

  take({ deployments, allocations, evaluations }: JobLists): void {
    for (const deployment of deployments) keepNewest(this.#deployments, deployment);
    for (const allocation of allocations) this.#keepInstance(allocation);
    for (const evaluation of evaluations) keepNewest(this.#evaluations, evaluation);
  }

  takeEvent(event: NomadEvent): void {
    if (event.topic === "Deployment") keepNewest(this.#deployments, event.deployment);
    else if (event.topic === "Allocation") this.#keepInstance(event.allocation);
    else if (event.topic === "Evaluation") this.#takeEvaluation(event.evaluation);
    else if (event.topic === "Job") this.#takeJob(event.job);
  }

  /** The job itself, as the last event told of it; undefined while none has, and when it may be gone. */
  get job(): Job | undefined {
    return this.#job;
  }

  /** The deployment of a registration; undefined if there is none yet. */
  deployment(jobId: string, jobModifyIndex: bigint): Deployment | undefined {
    return deploymentOf([...this.#deployments.values()], jobId, jobModifyIndex);
  }

  /** The newest first. */
  deployments(): Deployment[] {
    return newestFirst([...this.#deployments.values()]);
  }

  /** All that are known, also those that are over. */
  instances(): JobInstance[] {
    return [...this.#instances.values()];
  }

  /** Those of a version of the job that Nomad wants to run, and that have not ended. */
  wantedOf(version: number): JobInstance[] {
    return this.instances().filter((one) => isWanted(one) && this.versionOf(one) === version);
  }

  /** The version of the job that an instance runs; undefined while it is not known. */
  versionOf({ jobVersion, deploymentId }: JobInstance): number | undefined {
    const deployment = deploymentId === undefined ? undefined : this.#deployments.get(deploymentId);
    return deployment?.jobVersion ?? jobVersion;
  }

  /** The evaluations of a registration and of what came of it, the newest first. */
  evaluationsSince(jobModifyIndex: bigint): Evaluation[] {
    const since = [...this.#evaluations.values()].filter(({ createIndex }) => createIndex >= jobModifyIndex);
    return since.toSorted((a, b) => (a.createIndex < b.createIndex ? 1 : -1));
  }

  /** Until an event tells of it again. */
  forgetJob(): void {
    this.#job = undefined;
  }

  #takeJob(job: Job): void {
    if (this.#job === undefined || this.#job.modifyIndex <= job.modifyIndex) this.#job = job;
  }

  /** That a job is forgotten no event of its own tells. */
  #takeEvaluation(evaluation: Evaluation): void {
    keepNewest(this.#evaluations, evaluation);
    if (evaluation.triggeredBy === "job-deregister") this.#job = undefined;
  }

  /** Events do not say which version an instance runs, and lists not of which deployment it is. */
  #keepInstance(found: AllocationSummary | Allocation): void {
    const known = this.#instances.get(found.id);
    if (known !== undefined && known.modifyIndex > found.modifyIndex) return;
    const deploymentId = "deploymentId" in found ? found.deploymentId : undefined;
    const isSameVersion = found.jobVersion === undefined || found.jobVersion === known?.jobVersion;
    this.#instances.set(found.id, {
      ...found,
      jobVersion: found.jobVersion ?? known?.jobVersion,
      deploymentId: deploymentId ?? (isSameVersion ? known?.deploymentId : undefined),
    });
  }
}

function keepNewest<Thing extends { id: string; modifyIndex: bigint }>(things: Map<string, Thing>, found: Thing): void {
  const known = things.get(found.id);
  if (known === undefined || known.modifyIndex <= found.modifyIndex) things.set(found.id, found);
}

const OVER = new Set(["complete", "failed", "lost"]);

/** Whether an instance has come to its end on its node. */
export function hasEnded({ clientStatus }: Pick<JobInstance, "clientStatus">): boolean {
  return OVER.has(clientStatus);
}

/** Whether an instance has ended, or its node does not tell of it, so that its end cannot be waited for. */
export function isGone(instance: Pick<JobInstance, "clientStatus">): boolean {
  return hasEnded(instance) || instance.clientStatus === "unknown";
}

/** Whether Nomad wants it to run, and it has not ended. */
export function isWanted(instance: Pick<JobInstance, "clientStatus" | "desiredStatus">): boolean {
  return instance.desiredStatus === "run" && !hasEnded(instance);
}
