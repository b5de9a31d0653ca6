import type { JobDiff } from "../../../nomad-api/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
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
  /** What registering the live release again would change back; undefined if the job is gone. */
  diff: JobDiff | undefined;
}

/** Undefined if the job is as Steppe registered it last, or as Nomad went back to by itself. */
export async function findDrift(parts: NomadParts, release: ReleaseSpec): Promise<JobDrift | undefined> {
  const { nomad, maker, table } = parts;
  const job = jobIdOf(parts, release.app);
  const known = table.get(release.app);
  const found = await readAppJob(parts, job);
  if (known === undefined) return undefined;
  if (found === undefined) return { job, jobModifyIndex: undefined, diff: undefined };
  const { jobModifyIndex, meta } = found.job;
  if (await isUnchanged(parts, release, found)) return undefined;
  const plan = await nomad.jobs.plan(await maker.make(release, attemptOf(meta)));
  return { job, jobModifyIndex, diff: plan.diff };
}
