import { SteppeError } from "../../../shared/errors.ts";
import type { InstanceFailure } from "../failure/instance-failure.ts";

/** A tag that did not come up, with what became of it. */
export function keyedFailed(app: string, tag: string, { code, cause, hint }: InstanceFailure): SteppeError {
  return new SteppeError(code, {
    operation: "deploy",
    subject: `${app} ${tag}`,
    cause,
    hint: hint ?? "Correct the image, and push it under a new tag.",
  });
}
