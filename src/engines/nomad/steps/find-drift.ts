import type { JobDiff } from "../../../nomad-api/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { isExplained } from "../job/job-drift.ts";
import { attemptOf } from "../job/job-owner.ts";
import type { NomadParts } from "../parts.ts";
import { jobIdOf, readAppJob } from "./app-job.ts";
import { isUnchanged } from "./is-unchanged.ts";

/** What somebody else changed in an app's job. */
export interface JobDrift {
  /** The job's id. */
  job: string;
  /** Of the job as it is now; undefined if it is gone. */
  jobModifyIndex: bigint | undefined;
  /** What would change it back: registering the live release, or the job that was taken over, again. Undefined if the job is gone, or Nomad has forgotten what was taken over. */
  diff: JobDiff | undefined;
  /** Whether Steppe took the job over, and has not deployed it since. */
  isAdopted: boolean;
}

/** Undefined if the job is as Steppe registered it last, or as Nomad went back to by itself. */
export async function findDrift(parts: NomadParts, release: ReleaseSpec): Promise<JobDrift | undefined> {
  const { nomad, maker, table } = parts;
  const job = jobIdOf(parts, release.app);
  const known = table.get(release.app);
  const found = await readAppJob(parts, job);
  if (known === undefined) return undefined;
  if (found === undefined) return { job, jobModifyIndex: undefined, diff: undefined, isAdopted: false };
  const { jobModifyIndex, meta } = found.job;
  if (await isUnchanged(parts, release, found)) return undefined;
  const plan = await nomad.jobs.plan(await maker.make(release, attemptOf(meta)));
  return { job, jobModifyIndex, diff: plan.diff, isAdopted: false };
}

/** The same of a job that Steppe took over, while nothing of the app is live by it. One that is gone is made anew by the first deployment, whoever took it away. */
export async function findAdoptedDrift(parts: NomadParts, app: string): Promise<JobDrift | undefined> {
  const { nomad, table, tagPrefix } = parts;
  const taken = table.get(app);
  const found = taken === undefined ? undefined : await readAppJob(parts, taken.job);
  if (taken === undefined || found === undefined || found.owner?.app === app) return undefined;
  const { job, jobModifyIndex: known } = taken;
  const { jobModifyIndex } = found.job;
  if (jobModifyIndex === known) return undefined;
  const { value: versions } = await nomad.jobs.versions(job);
  if (isExplained(versions, { known, isOwn: false, tagPrefix })) return undefined;
  const before = versions.find((version) => version.job.jobModifyIndex === known);
  const diff = before === undefined ? undefined : (await nomad.jobs.plan(before.job.spec)).diff;
  return { job, jobModifyIndex, diff, isAdopted: true };
}
