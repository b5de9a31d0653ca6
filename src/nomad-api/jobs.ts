import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { withoutMissing } from "../shared/http-api/without-missing.ts";
import { Fields } from "../shared/json/fields.ts";
import { type AllocationSummary, readAllocationSummary } from "./allocation.ts";
import { type Deployment, newestFirst, readDeployment } from "./deployment.ts";
import { type Evaluation, readEvaluation } from "./evaluation.ts";
import {
  type Job,
  type JobListItem,
  type JobSummary,
  readJob,
  readJobListItem,
  readJobSpec,
  readJobSummary,
} from "./job.ts";
import { type JobDiff, readJobDiff } from "./job-diff.ts";
import { type JobPlan, readJobPlan } from "./job-plan.ts";
import type { JobSpec } from "./job-spec.ts";
import { type JobChange, readJobChange, type Registration, registrationOf } from "./registration.ts";
import { call, type CallOptions, find, query, type QueryOptions } from "./query.ts";

/** What Nomad says of a job without registering it. */
export interface JobValidation {
  errors: string[];
  /** Several lines, for people. */
  warnings: string;
}

/** A version of a job, with what it changed. */
export interface JobVersion {
  job: Job;
  /** Compared with the version before; undefined of the oldest that is kept, and if it was not asked for. */
  diff: JobDiff | undefined;
}

/**
 * https://developer.hashicorp.com/nomad/api-docs/jobs. Jobs are named by their ids. Changes throw NOMAD_NOT_FOUND, NOMAD_JOB_INVALID for what Nomad does not take,
 * and NOMAD_JOB_CHANGED where somebody else was first.
 */
export class Jobs {
  readonly #api: HttpApi;
  readonly #consulToken: string | undefined;

  /** @param consulToken goes with what registers a job, and with nothing else: a plan would show it as a change. Nomad's servers look at it, and do not keep it */
  constructor(api: HttpApi, consulToken?: string) {
    this.#api = api;
    this.#consulToken = consulToken;
  }

  /**
   * All jobs: one query that tells of every app. Of a namespace that does not exist the list is empty.
   *
   * @param options.prefix only jobs whose ids begin so
   * @param options.meta give their meta as well
   */
  list(options: QueryOptions & { prefix?: string; meta?: boolean } = {}): Promise<Snapshot<JobListItem[]>> {
    const { prefix, meta = false } = options;
    const only = { ...(prefix === undefined ? {} : { prefix }), ...(meta ? { meta: "true" } : {}) };
    const parts = { operation: "list", subject: "Nomad's jobs", path: ["v1", "jobs"], query: only };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readJobListItem));
  }

  read(id: string, options: QueryOptions = {}): Promise<Snapshot<Job | undefined>> {
    return find(this.#api, about("read the job", id), options, (answer) => readJob(answer.json()));
  }

  /**
   * Registers it, new or in place of the one before. A job in which nothing changed gets an evaluation but neither a version nor a deployment, even if its last deployment
   * failed: see `isUnchanged`.
   *
   * @param options.ifIndex only if the job's `jobModifyIndex` is this; 0: only if there is no such job
   */
  register(spec: JobSpec, options: CallOptions & { ifIndex?: bigint } = {}): Promise<Registration> {
    const { ifIndex } = options;
    const json = {
      Job: this.#withToken(spec),
      ...(ifIndex === undefined ? {} : { EnforceIndex: true, JobModifyIndex: ifIndex }),
    };
    const parts = {
      operation: "register the job",
      subject: spec.ID,
      method: "POST",
      path: ["v1", "jobs"],
      json,
    } as const;
    return call(this.#api, parts, options, (answer) => registrationOf(Fields.of(answer.json()), ifIndex));
  }

  /** @param options.diff what changes as well; default true */
  plan(spec: JobSpec, options: CallOptions & { diff?: boolean } = {}): Promise<JobPlan> {
    const json = { Job: spec, Diff: options.diff ?? true };
    const parts = { ...about("plan the job", spec.ID, "plan"), method: "POST", json, repeatable: true } as const;
    return call(this.#api, parts, options, (answer) => readJobPlan(Fields.of(answer.json())));
  }

  /** The options of drivers are not looked at. */
  validate(spec: JobSpec, options: CallOptions = {}): Promise<JobValidation> {
    const path = ["v1", "validate", "job"];
    const parts = {
      operation: "validate the job",
      subject: spec.ID,
      method: "POST",
      path,
      json: { Job: spec },
      repeatable: true,
    } as const;
    return call(this.#api, parts, options, (answer) => {
      const fields = Fields.of(answer.json());
      return { errors: fields.texts("ValidationErrors"), warnings: fields.optionalText("Warnings") ?? "" };
    });
  }

  /**
   * Has Nomad read a jobspec in HCL. Throws NOMAD_JOB_INVALID with the line of the mistake.
   *
   * @param options.name what the text is, for errors: its file
   * @param options.canonicalize fill in defaults; default true
   */
  parse(hcl: string, options: CallOptions & { name?: string; canonicalize?: boolean } = {}): Promise<JobSpec> {
    const json = { JobHCL: hcl, ...((options.canonicalize ?? true) ? { Canonicalize: true } : {}) };
    const subject = options.name ?? "of HCL";
    const path = ["v1", "jobs", "parse"];
    const parts = { operation: "parse the job", subject, method: "POST", path, json, repeatable: true } as const;
    return call(this.#api, parts, options, (answer) => readJobSpec(answer.json()));
  }

  /**
   * Stops it. That there is no such job is no error: an old Nomad answers as if there had been, a newer one without an evaluation and with the index 0.
   *
   * @param options.purge forget it at once, with its versions
   */
  stop(id: string, options: CallOptions & { purge?: boolean } = {}): Promise<JobChange> {
    const only = options.purge === true ? { purge: "true" } : {};
    const parts = { ...about("stop the job", id), method: "DELETE", query: only, repeatable: true } as const;
    return call(this.#api, parts, options, (answer) => readJobChange(Fields.of(answer.json())));
  }

  /**
   * The versions that are kept, the newest first: six, unless the servers are told otherwise. None if there is no such job.
   *
   * @param options.diffs what each changed as well
   */
  async versions(id: string, options: QueryOptions & { diffs?: boolean } = {}): Promise<Snapshot<JobVersion[]>> {
    const only = options.diffs === true ? { diffs: "true" } : {};
    const parts = { ...about("list the versions of the job", id, "versions"), query: only };
    const { index, value = [] } = await find(this.#api, parts, options, (answer) =>
      readVersions(Fields.of(answer.json())),
    );
    return { index, value };
  }

  /** The newest first. Those of a job that was purged are known for a while. */
  deployments(id: string, options: QueryOptions = {}): Promise<Snapshot<Deployment[]>> {
    const parts = about("list the deployments of the job", id, "deployments");
    return query(this.#api, parts, options, (answer) => newestFirst(Fields.list(answer.json()).map(readDeployment)));
  }

  /**
   * The newest deployment; undefined if there is none, and of a job that does not exist. Just after a registration it is that of the one before: compare its
   * `jobModifyIndex`.
   */
  latestDeployment(id: string, options: QueryOptions = {}): Promise<Snapshot<Deployment | undefined>> {
    const parts = about("read the latest deployment of the job", id, "deployment");
    return query(this.#api, parts, options, (answer) => {
      const value = answer.json();
      return value === null ? undefined : readDeployment(Fields.of(value));
    });
  }

  /** None if there is no such job. */
  allocations(id: string, options: QueryOptions = {}): Promise<Snapshot<AllocationSummary[]>> {
    const parts = about("list the allocations of the job", id, "allocations");
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readAllocationSummary));
  }

  /** None if there is no such job. */
  evaluations(id: string, options: QueryOptions = {}): Promise<Snapshot<Evaluation[]>> {
    const parts = about("list the evaluations of the job", id, "evaluations");
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readEvaluation));
  }

  /** How many instances there are, by what they are. */
  summary(id: string, options: QueryOptions = {}): Promise<Snapshot<JobSummary | undefined>> {
    const parts = about("summarise the job", id, "summary");
    return find(this.#api, parts, options, (answer) => readJobSummary(Fields.of(answer.json())));
  }

  /**
   * Registers a version before as a new one. To the current one it cannot be: NOMAD_REFUSED.
   *
   * @param options.ifVersion only if the current version is this
   */
  revert(id: string, version: number, options: CallOptions & { ifVersion?: number } = {}): Promise<JobChange> {
    const { ifVersion } = options;
    const only = ifVersion === undefined ? {} : { EnforcePriorVersion: ifVersion };
    const token = withoutMissing({ ConsulToken: this.#consulToken });
    const json = { JobID: id, JobVersion: version, ...only, ...token };
    const parts = { ...about("revert the job", id, "revert"), method: "POST", json } as const;
    return call(this.#api, parts, options, (answer) => readJobChange(Fields.of(answer.json())));
  }

  /** Marks a version as one that Nomad may revert to by itself, or as none. */
  async setStable(id: string, version: number, isStable: boolean, options: CallOptions = {}): Promise<void> {
    const json = { JobID: id, JobVersion: version, Stable: isStable };
    const parts = { ...about("mark the job", id, "stable"), method: "POST", json, repeatable: true } as const;
    await call(this.#api, parts, options, () => undefined);
  }

  /** @param options.message why, for those who look at it later */
  scale(
    id: string,
    group: string,
    count: number,
    options: CallOptions & { message?: string } = {},
  ): Promise<JobChange> {
    const { message } = options;
    const json = { Count: count, Target: { Group: group }, ...(message === undefined ? {} : { Message: message }) };
    const parts = { ...about("scale the job", id, "scale"), method: "POST", json } as const;
    return call(this.#api, parts, options, (answer) => readJobChange(Fields.of(answer.json())));
  }

  /**
   * Has the scheduler look at it once more.
   *
   * @param options.forceReschedule place failed instances anew now, whatever their policy
   */
  evaluate(id: string, options: CallOptions & { forceReschedule?: boolean } = {}): Promise<JobChange> {
    const json = { JobID: id, EvalOptions: { ForceReschedule: options.forceReschedule ?? false } };
    const parts = { ...about("evaluate the job", id, "evaluate"), method: "POST", json } as const;
    return call(this.#api, parts, options, (answer) => readJobChange(Fields.of(answer.json())));
  }

  /** One that a jobspec has of its own comes first. */
  #withToken(spec: JobSpec): JobSpec {
    const hasOwn = (spec.ConsulToken ?? "") !== "";
    return this.#consulToken === undefined || hasOwn ? spec : { ...spec, ConsulToken: this.#consulToken };
  }
}

function about(
  operation: string,
  id: string,
  ...rest: string[]
): { operation: string; subject: string; path: string[] } {
  return { operation, subject: id, path: ["v1", "job", id, ...rest] };
}

/** Nomad gives the difference of each two neighbours. */
function readVersions(fields: Fields): JobVersion[] {
  const diffs = fields.objects("Diffs").map(readJobDiff);
  const specs = (fields.raw("Versions") ?? []) as unknown[];
  return fields.objects("Versions").map(({ path }, at) => ({ job: readJob(specs[at], path), diff: diffs[at] }));
}
