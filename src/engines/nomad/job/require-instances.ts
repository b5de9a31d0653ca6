import type { JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";

/** Throws NOMAD_JOB_INVALID if a job would have no instances: Nomad makes no deployment of it, and there is nothing to be healthy. */
export function requireInstances(app: string, job: JobSpec): void {
  const groups = job.TaskGroups ?? [];
  if (groups.length === 0 || groups.some(({ Count }) => Count !== 0)) return;
  throw new SteppeError("NOMAD_JOB_INVALID", {
    operation: "make the job of",
    subject: app,
    cause: groups.length === 1 ? "its group has `count = 0`" : "all of its groups have `count = 0`",
    hint: `Give one of them instances. To serve nothing for a while, stop the job: \`nomad job stop ${job.ID}\`.`,
  });
}
