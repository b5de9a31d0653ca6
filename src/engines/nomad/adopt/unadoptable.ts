import { SteppeError } from "../../../shared/errors.ts";

/** That a job can be no app. */
export function unadoptable(job: string, cause: string, hint?: string): SteppeError {
  return new SteppeError("NOMAD_JOB_UNADOPTABLE", { operation: "adopt the job", subject: job, cause, hint });
}
