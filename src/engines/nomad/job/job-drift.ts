import { isDeepStrictEqual } from "node:util";
import type { Job, JobSpec, JobVersion } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { attemptOf, type JobOwner, readOwner } from "./job-owner.ts";
import { hasRoutes, withoutRoutes } from "./services-of.ts";
import { withoutVolatile } from "./without-volatile.ts";

/** What a job is looked at for. */
export interface DriftQuestion {
  /** The index that Steppe registered the job with last. */
  known: bigint;
  /** Whether the job is of the release that is being placed, or is live. */
  isOwn: boolean;
  /** What tags of routes begin with. */
  tagPrefix: string;
}

/**
 * Whether a job is as Steppe knows it, though its index is another.
 *
 * @param versions those that are kept, the newest first: that of the job is the first
 */
export function isExplained(versions: readonly JobVersion[], question: DriftQuestion): boolean {
  const { known, isOwn, tagPrefix } = question;
  const [now, ...older] = versions;
  if (now === undefined) return false;
  if (now.job.jobModifyIndex === known) return true;
  const ours = older.find(({ job }) => job.jobModifyIndex === known);
  if (ours !== undefined && isSameSpec(ours.job.spec, now.job.spec)) return true;
  // Nomad's own way back: a version before once more, after the one that we know of failed. From one that came to a good end only a person goes back.
  const isBack = older.some(({ job }) => isSameSpec(job.spec, now.job.spec));
  if (isBack && ours?.job.isStable === false) return true;
  // Else it may be registered by a process of ours that died before it could take note of it, over what was so far explained.
  const [before] = older;
  if (before === undefined) return isOwn;
  const isOurs = addsRoutes(before.job.spec, now.job.spec, tagPrefix) || (isOwn && isOtherRelease(before.job, now.job));
  return isOurs && (before.job.isStopped || isExplained(older, { known, isOwn: false, tagPrefix }));
}

/** Whoever edits a job leaves its meta as it is; a release of ours, or another try of it, has another. */
function isOtherRelease(before: Job, now: Job): boolean {
  const [one, other] = [before, now].map(({ meta }) => [readOwner(meta), attemptOf(meta)]);
  return !isDeepStrictEqual(one, other);
}

/** What follows the first deployment of a job: nothing but its routes is new. */
function addsRoutes(before: JobSpec, now: JobSpec, tagPrefix: string): boolean {
  if (hasRoutes(before, tagPrefix) || !hasRoutes(now, tagPrefix)) return false;
  return isSameSpec(withoutRoutes(before, tagPrefix), withoutRoutes(now, tagPrefix));
}

function isSameSpec(one: JobSpec, other: JobSpec): boolean {
  return isDeepStrictEqual(withoutVolatile(one), withoutVolatile(other));
}

/** That somebody else changed the job of an app; one without our meta may have been taken over, and never deployed. */
export function driftError(
  app: string,
  { job: { id }, owner }: { job: Job; owner: JobOwner | undefined },
): SteppeError {
  const since = owner === undefined ? "registered it or took it over" : "registered it";
  return new SteppeError("NOMAD_JOB_CHANGED", {
    operation: "deploy",
    subject: app,
    cause: `somebody changed the job ${id} since Steppe ${since}`,
    hint: `\`steppe drift ${app}\` shows what; put it into the app's definition, or let the next deployment overwrite it: \`steppe drift ${app} --overwrite\`.`,
  });
}

/** That the job with the app's name is somebody else's. */
export function foreignError(app: string, { id }: Job): SteppeError {
  return new SteppeError("NOMAD_JOB_CHANGED", {
    operation: "deploy",
    subject: app,
    cause: `there is a job ${id} on Nomad that Steppe did not make`,
    hint: `Take it over (\`steppe nomad adopt ${id}\`), or give the app another name.`,
  });
}
