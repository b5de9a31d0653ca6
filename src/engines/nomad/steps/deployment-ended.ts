import type { Deployment } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";

/** That a deployment came to another end than it should. */
export function deploymentEnded(
  { app, number }: ReleaseSpec,
  { status, statusDescription }: Pick<Deployment, "status" | "statusDescription">,
): SteppeError {
  const isReplaced = status === "cancelled";
  const cause = isReplaced
    ? "somebody registered another version of the job meanwhile"
    : `Nomad gave the deployment up: ${statusDescription}`;
  const code = isReplaced ? "NOMAD_JOB_CHANGED" : "INSTANCE_FAILED";
  return new SteppeError(code, { operation: "route", subject: `${app}, release ${number}`, cause });
}
