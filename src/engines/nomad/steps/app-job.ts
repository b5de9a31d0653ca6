import { type Job, newestFirst } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { definitionHash, type JobOwner, readOwner } from "../job/job-owner.ts";
import type { NomadParts } from "../parts.ts";

/** The job of an app as Nomad has it, and whose release it runs. */
export interface AppJob {
  job: Job;
  /** Undefined if Steppe did not make it. */
  owner: JobOwner | undefined;
}

/** Undefined if there is none, or it was stopped for good. */
export async function readAppJob(
  { nomad }: Pick<NomadParts, "nomad">,
  jobId: string,
  signal?: AbortSignal,
): Promise<AppJob | undefined> {
  const { value: job } = await nomad.jobs.read(jobId, { signal });
  return job === undefined ? undefined : { job, owner: readOwner(job.meta) };
}

/** The job of an app whose release is being deployed: as events tell of it, if it still is as Steppe registered it, and else as Nomad has it. Undefined as of `readAppJob`. */
export async function currentJob(
  parts: Pick<NomadParts, "nomad" | "cluster" | "table">,
  app: string,
  signal: AbortSignal,
): Promise<AppJob | undefined> {
  const id = jobIdOf(parts, app);
  const job = parts.cluster.registered(id, parts.table.get(app)?.jobModifyIndex);
  return job === undefined ? await readAppJob(parts, id, signal) : { job, owner: readOwner(job.meta) };
}

/** Whether the job is that of this very release. */
export function isOf({ owner }: AppJob, { app, number, image, definition }: ReleaseSpec): boolean {
  return (
    owner !== undefined &&
    owner.app === app &&
    owner.release === number &&
    owner.image === image &&
    owner.definition === definitionHash(definition)
  );
}

/** The deployment of the job as it is now; undefined if there is none yet. */
export async function deploymentNow({ nomad }: Pick<NomadParts, "nomad">, { job }: AppJob, signal?: AbortSignal) {
  const { value } = await nomad.jobs.deployments(job.id, { signal });
  return newestFirst(value).find(({ jobModifyIndex }) => jobModifyIndex === job.jobModifyIndex);
}

/** Throws NOMAD_JOB_CHANGED if the job is another than it was, or gone. */
export async function requireCurrent(
  parts: Pick<NomadParts, "nomad" | "cluster">,
  release: ReleaseSpec,
  { id, jobModifyIndex }: Job,
  signal: AbortSignal,
): Promise<void> {
  if (parts.cluster.registered(id, jobModifyIndex) !== undefined) return;
  const now = await readAppJob(parts, id, signal);
  if (now === undefined || now.job.isStopped) throw goneError(release);
  if (now.job.jobModifyIndex !== jobModifyIndex) throw replacedError(release);
}

/** That the job of a release that is being deployed is not its job any more. */
export function replacedError({ app, number }: ReleaseSpec): SteppeError {
  return new SteppeError("NOMAD_JOB_CHANGED", {
    operation: "deploy",
    subject: `${app}, release ${number}`,
    cause: "somebody registered another version of the job meanwhile",
  });
}

/** That the job of a release that is being deployed is not there any more. */
export function goneError({ app, number }: ReleaseSpec): SteppeError {
  return new SteppeError("NOMAD_JOB_CHANGED", {
    operation: "deploy",
    subject: `${app}, release ${number}`,
    cause: "somebody stopped the job meanwhile",
    hint: "Deploy again: that makes it anew.",
  });
}

/** The id of an app's job, as it is on Nomad. */
export function jobIdOf({ table }: Pick<NomadParts, "table">, app: string): string {
  return table.get(app)?.job ?? app;
}
