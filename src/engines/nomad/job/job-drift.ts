import { isDeepStrictEqual } from "node:util";
import type { Job, JobSpec, JobVersion } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";

/** What Nomad writes into a job by itself: it differs from version to version. */
const VOLATILE = new Set([
  "CreateIndex",
  "JobModifyIndex",
  "ModifyIndex",
  "Stable",
  "Status",
  "StatusDescription",
  "SubmitTime",
  "Version",
]);

/**
 * Whether a job is as Steppe knows it, though its index is another.
 *
 * @param known the index that Steppe registered it with last
 * @param versions those that are kept, the newest first: that of the job is the first
 * @param isOwn whether the job is of the release that is being placed
 */
export function isExplained(known: bigint, versions: readonly JobVersion[], isOwn: boolean): boolean {
  const [now, before, ...older] = versions;
  if (now === undefined || before === undefined) return false;
  // Registered by a process that died before it could take note of it.
  if (isOwn && before.job.jobModifyIndex === known) return true;
  // Nomad's own way back: the version before once more, after the one that we know of failed.
  const isBack = [before, ...older].some(({ job }) => isSameSpec(job.spec, now.job.spec));
  return isBack && versions.some(({ job }) => job.jobModifyIndex === known);
}

function isSameSpec(one: JobSpec, other: JobSpec): boolean {
  return isDeepStrictEqual(lasting(one), lasting(other));
}

function lasting(spec: JobSpec): Array<[string, unknown]> {
  return Object.entries(spec).filter(([key]) => !VOLATILE.has(key));
}

/** That somebody else changed the job of an app. */
export function driftError(app: string, { id }: Job): SteppeError {
  return new SteppeError("NOMAD_JOB_CHANGED", {
    operation: "deploy",
    subject: app,
    cause: `somebody changed the job ${id} since Steppe registered it`,
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
