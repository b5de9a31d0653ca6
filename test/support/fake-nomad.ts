import { isDeepStrictEqual } from "node:util";
import type { GroupSpec, JobSpec } from "../../src/nomad-api/index.ts";
import type { RawDeployment, RawEvaluation, RawGroup, RawInstance, RawJob } from "./raw-nomad.ts";

/** All that is known of a job. */
export interface FakeJob {
  /** The oldest first; none of a job that was purged. */
  versions: RawJob[];
  deployments: RawDeployment[];
  instances: RawInstance[];
  evaluations: RawEvaluation[];
}

const VOLATILE = ["Version", "Stable", "CreateIndex", "ModifyIndex", "JobModifyIndex", "Meta", "TaskGroups"];

/**
 * A small Nomad with one node: it places instances at once, and goes by canaries, promotion, failure and the way back as the real one does. An instance becomes healthy when the
 * test says so.
 */
export class FakeNomad {
  readonly jobs = new Map<string, FakeJob>();
  index = 100;
  /** Whether there is no room for anything. */
  isFull = false;
  /** Whether instances become healthy as soon as they are placed. */
  isQuick = false;
  /** Whether instances that are stopped take their time: until `finish`. */
  isSlow = false;
  /** Told of every change, before all of it is done. */
  onChange: () => void = () => {};
  #ids = 0;

  current(id: string): RawJob | undefined {
    return this.jobs.get(id)?.versions.at(-1);
  }

  /** Those that are wanted, and have not ended. */
  running(id: string): RawInstance[] {
    return (this.jobs.get(id)?.instances ?? []).filter(
      (one) => one.DesiredStatus === "run" && one.ClientStatus === "running",
    );
  }

  latest(id: string): RawDeployment {
    const deployment = this.jobs.get(id)?.deployments.at(-1);
    if (deployment === undefined) throw new Error(`the job ${id} has no deployment`);
    return deployment;
  }

  register(spec: JobSpec, { ifIndex }: { ifIndex?: number | undefined } = {}): RawJob {
    const before = this.current(spec.ID);
    const index = before?.JobModifyIndex ?? 0;
    if (ifIndex !== undefined && ifIndex !== index) throw new Error(conflict(ifIndex, index));
    const job = this.jobs.get(spec.ID) ?? { versions: [], deployments: [], instances: [], evaluations: [] };
    this.jobs.set(spec.ID, job);
    const now = this.#bump();
    const common = { Name: spec.ID, Type: "service", Status: "running", ...structuredClone(spec) };
    const indexes = { CreateIndex: before?.CreateIndex ?? now, ModifyIndex: now, JobModifyIndex: now };
    job.versions.push({
      ...common,
      ...indexes,
      Version: before === undefined ? 0 : before.Version + 1,
      Stable: false,
      Stop: false,
    });
    this.#cancel(job, "Cancelled due to newer version of job");
    this.#schedule(job, spec.ID);
    return this.#requireCurrent(spec.ID);
  }

  /** What the instances of the job's newest version wait for: their checks pass. */
  heal(id: string): void {
    const deployment = this.latest(id);
    this.#bump();
    for (const one of this.jobs.get(id)?.instances ?? []) {
      if (one.DeploymentID !== deployment.ID || one.DesiredStatus !== "run" || one.DeploymentStatus.Healthy === true)
        continue;
      this.#touch(one).DeploymentStatus.Healthy = true;
      one.Passing = true;
      const group = deployment.TaskGroups[one.TaskGroup];
      if (group !== undefined) group.HealthyAllocs++;
    }
    this.#goOn(id, deployment);
  }

  promote(deploymentId: string): void {
    const [id, deployment] = this.#deployment(deploymentId);
    if (deployment.Status !== "running") throw new Error("can't promote terminal deployment");
    for (const [name, group] of Object.entries(deployment.TaskGroups)) {
      if (group.HealthyAllocs < group.DesiredCanaries)
        throw new Error(`Task group "${name}" has ${group.HealthyAllocs}/${group.DesiredCanaries} healthy allocations`);
    }
    this.#bump();
    for (const group of Object.values(deployment.TaskGroups)) group.Promoted = true;
    for (const one of this.running(id)) {
      if (one.DeploymentID === deploymentId) this.#touch(one).DeploymentStatus.Canary = false;
      else this.#end(one);
    }
    this.#goOn(id, deployment);
  }

  /** Ends a deployment as failed, and goes back to the newest stable version before it. */
  fail(deploymentId: string, why = "Deployment marked as failed"): void {
    const [id, deployment] = this.#deployment(deploymentId);
    if (deployment.Status !== "running") throw new Error("can't fail terminal deployment");
    this.#bump();
    Object.assign(this.#touch(deployment), { Status: "failed", StatusDescription: why });
    const canaries = this.running(id).filter((one) => one.DeploymentID === deploymentId && one.DeploymentStatus.Canary);
    for (const one of canaries) this.#end(one);
    const back = this.jobs
      .get(id)
      ?.versions.findLast(({ Stable, Version }) => Stable && Version < deployment.JobVersion);
    const isWanted = Object.values(deployment.TaskGroups).some(({ AutoRevert }) => AutoRevert);
    if (back === undefined || !isWanted) return;
    deployment.StatusDescription += ` - rolling back to job version ${back.Version}`;
    this.register(back);
  }

  revert(id: string, version: number, ifVersion: number | undefined): RawJob {
    const now = this.#requireCurrent(id);
    if (ifVersion !== undefined && ifVersion !== now.Version)
      throw new Error(`Current job has version ${now.Version}; enforcing version ${ifVersion}`);
    if (version === now.Version) throw new Error(`can't revert to current version`);
    const back = this.jobs.get(id)?.versions.find(({ Version }) => Version === version);
    if (back === undefined) throw new Error(`job "${id}" at version ${version} not found`);
    return this.register(back);
  }

  stop(id: string, purge: boolean): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    const now = job.versions.at(-1);
    this.#bump();
    this.#cancel(job, "Cancelled because job is stopped");
    for (const one of this.running(id)) this.#end(one);
    // Of a job that is forgotten no other event tells.
    job.evaluations.push(this.#evaluation(id, now?.JobModifyIndex ?? 0, "job-deregister"));
    if (purge) job.versions = [];
    else if (now !== undefined) {
      const indexes = { ModifyIndex: this.index, JobModifyIndex: this.index };
      job.versions.push({ ...now, ...indexes, Version: now.Version + 1, Stop: true, Stable: false, Status: "dead" });
    }
  }

  /** Those that were stopped come to their end. */
  finish(id: string): void {
    this.#bump();
    for (const one of this.jobs.get(id)?.instances ?? [])
      if (one.DesiredStatus === "stop") this.#touch(one).ClientStatus = "complete";
  }

  /** Something becomes of an instance. */
  change(instance: RawInstance, change: Partial<RawInstance>): void {
    this.#bump();
    Object.assign(this.#touch(instance), change);
  }

  #schedule(job: FakeJob, id: string): void {
    const now = this.#requireCurrent(id);
    const deployment = this.#newDeployment(now);
    const failed: Record<string, object> = {};
    const groups = new Set(now.TaskGroups?.map(({ Name }) => Name));
    for (const one of this.running(id)) if (!groups.has(one.TaskGroup)) this.#end(one);
    for (const group of now.TaskGroups ?? []) {
      if (this.isFull) failed[group.Name] = { NodesEvaluated: 1, DimensionExhausted: { memory: 1 } };
      deployment.TaskGroups[group.Name] = this.#place(job, now, group, deployment.ID);
    }
    job.deployments.push(deployment);
    const evaluation = this.#evaluation(id, now.JobModifyIndex, "job-register");
    job.evaluations.push({ ...evaluation, FailedTGAllocs: failed, CreateIndex: now.JobModifyIndex });
    if (this.isQuick && !this.isFull) this.heal(id);
  }

  /** What is only told in another way is changed where it is; else canaries come beside what runs, or what runs is replaced. */
  #place(job: FakeJob, now: RawJob, group: GroupSpec, deployment: string): RawGroup {
    const count = group.Count ?? 1;
    const running = this.running(now.ID).filter(({ TaskGroup }) => TaskGroup === group.Name);
    const isSame = (one: RawInstance): boolean =>
      isDeepStrictEqual(shape(job.versions.find(({ Version }) => Version === one.JobVersion)), shape(now));
    const kept = running.filter(isSame);
    const others = running.filter((one) => !isSame(one));
    for (const one of kept) {
      const changed = { JobVersion: now.Version, DeploymentID: deployment };
      Object.assign(this.#touch(one), changed, { DeploymentStatus: { Healthy: null, Canary: false } });
    }
    const update = group.Update ?? now.Update;
    const canaries = others.length > 0 && kept.length < count ? (update?.Canary ?? 0) : 0;
    const wanted = canaries > 0 ? canaries : count - kept.length;
    const placed = this.isFull
      ? []
      : Array.from({ length: wanted }, () => this.#newInstance(now, group.Name, deployment, canaries > 0));
    if (canaries === 0) for (const one of others) this.#end(one);
    job.instances.push(...placed);
    return {
      AutoRevert: update?.AutoRevert ?? false,
      AutoPromote: update?.AutoPromote ?? false,
      ProgressDeadline: 0,
      Promoted: false,
      PlacedCanaries: canaries > 0 ? placed.map(({ ID }) => ID) : [],
      DesiredCanaries: canaries,
      DesiredTotal: count,
      PlacedAllocs: placed.length + kept.length,
      HealthyAllocs: 0,
      UnhealthyAllocs: 0,
    };
  }

  /** What follows of instances that have become healthy. */
  #goOn(id: string, deployment: RawDeployment): void {
    this.#touch(deployment);
    const groups = Object.values(deployment.TaskGroups);
    const waiting = groups.filter(({ DesiredCanaries, Promoted }) => DesiredCanaries > 0 && !Promoted);
    const areHealthy = waiting.every(({ HealthyAllocs, DesiredCanaries }) => HealthyAllocs >= DesiredCanaries);
    if (waiting.length > 0 && areHealthy && waiting.every(({ AutoPromote }) => AutoPromote))
      this.promote(deployment.ID);
    else if (waiting.length === 0 && groups.every((one) => one.HealthyAllocs >= one.DesiredTotal)) {
      Object.assign(deployment, { Status: "successful", StatusDescription: "Deployment completed successfully" });
      const version = this.jobs.get(id)?.versions.find(({ Version }) => Version === deployment.JobVersion);
      if (version !== undefined) version.Stable = true;
    }
  }

  #evaluation(id: string, jobModifyIndex: number, why: string): RawEvaluation {
    return {
      ID: this.#id(),
      Status: "complete",
      FailedTGAllocs: {},
      Type: "service",
      Priority: 50,
      TriggeredBy: why,
      JobID: id,
      JobModifyIndex: jobModifyIndex,
      CreateIndex: this.index,
      ModifyIndex: this.index,
    };
  }

  #cancel({ deployments }: FakeJob, why: string): void {
    for (const one of deployments)
      if (one.Status === "running") Object.assign(this.#touch(one), { Status: "cancelled", StatusDescription: why });
  }

  #end(instance: RawInstance): void {
    Object.assign(this.#touch(instance), { DesiredStatus: "stop", ClientStatus: this.isSlow ? "running" : "complete" });
  }

  #newDeployment({ ID, Version, JobModifyIndex, CreateIndex }: RawJob): RawDeployment {
    const job = {
      JobID: ID,
      JobVersion: Version,
      JobSpecModifyIndex: JobModifyIndex,
      JobModifyIndex,
      JobCreateIndex: CreateIndex,
    };
    const indexes = { CreateIndex: this.#bump(), ModifyIndex: this.index };
    return {
      ID: this.#id(),
      ...job,
      Status: "running",
      StatusDescription: "Deployment is running",
      TaskGroups: {},
      ...indexes,
    };
  }

  #newInstance({ ID, Version }: RawJob, group: string, deployment: string, isCanary: boolean): RawInstance {
    return {
      ID: this.#id(),
      Name: `${ID}.${group}[0]`,
      JobID: ID,
      JobVersion: Version,
      TaskGroup: group,
      NodeID: "node",
      NodeName: "node",
      EvalID: "evaluation",
      DeploymentID: deployment,
      DesiredStatus: "run",
      ClientStatus: "running",
      TaskStates: {},
      DeploymentStatus: { Healthy: null, Canary: isCanary },
      Passing: false,
      CreateIndex: this.index,
      ModifyIndex: this.index,
    };
  }

  #bump(): number {
    this.onChange();
    return ++this.index;
  }

  #touch<Thing extends { ModifyIndex: number }>(thing: Thing): Thing {
    thing.ModifyIndex = this.index;
    return thing;
  }

  #deployment(deploymentId: string): [job: string, deployment: RawDeployment] {
    for (const [id, { deployments }] of this.jobs) {
      const found = deployments.find(({ ID }) => ID === deploymentId);
      if (found !== undefined) return [id, found];
    }
    throw new Error("deployment not found");
  }

  #requireCurrent(id: string): RawJob {
    const job = this.current(id);
    if (job === undefined) throw new Error(`job "${id}" not found`);
    return job;
  }

  /** As long as Nomad's. */
  #id(): string {
    return `00000000-0000-4000-8000-${String(++this.#ids).padStart(12, "0")}`;
  }
}

/** What instances notice of a job: all but the tags of services. */
function shape(job: RawJob | undefined): unknown {
  const rest = Object.entries(job ?? {}).filter(([key]) => !VOLATILE.includes(key));
  const groups = (job?.TaskGroups ?? []).map(({ Services, ...group }) => ({ ...group, count: Services?.length }));
  return [rest, job?.Meta, groups];
}

function conflict(wanted: number, found: number): string {
  if (wanted === 0) return "Enforcing job modify index 0: job already exists";
  if (found === 0) return `Enforcing job modify index ${wanted}: job does not exist`;
  return `Enforcing job modify index ${wanted}: job exists with conflicting job modify index: ${found}`;
}
