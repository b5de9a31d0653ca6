import type { AllocationSummary } from "../../../nomad-api/index.ts";
import type { ErrorCode } from "../../../shared/errors.ts";
import { taskCause } from "./task-cause.ts";

/** What went wrong with an instance. */
export interface InstanceFailure {
  code: ErrorCode & ("CHECK_FAILED" | "INSTANCE_FAILED");
  cause: string;
  hint?: string;
}

/** A program that ended once may have been too early for something that it needs; one that ends again is not going to stay. */
const MOST_RESTARTS = 1;
/** What Docker says of images that are not there, or not for us: that does not change by trying again. */
const NO_IMAGE =
  /manifest unknown|manifest for \S+ not found|repository does not exist|pull access denied|no such image|unauthorized|no basic auth credentials|x509: |server gave HTTP response to HTTPS client/i;
const NO_IMAGE_HINT =
  "Push the image, or see to it that the nodes may fetch it: docs/nomad.md tells how credentials and certificates come there.";

/** What is wrong with an instance by what its node tells; undefined if nothing is, or nothing is certain yet. */
export function instanceFailure(instance: AllocationSummary): InstanceFailure | undefined {
  const cause = taskCause(instance);
  if (cause !== undefined && NO_IMAGE.test(cause)) return { code: "INSTANCE_FAILED", cause, hint: NO_IMAGE_HINT };
  const tasks = Object.values(instance.tasks);
  const isOver = instance.clientStatus === "failed" || instance.clientStatus === "lost";
  const keepsEnding = tasks.some(({ restarts }) => restarts > MOST_RESTARTS);
  const isInvalid = tasks.some(({ events }) => events.at(-1)?.type === "Failed Validation");
  if (!isOver && !keepsEnding && !isInvalid) return undefined;
  return { code: "INSTANCE_FAILED", cause: cause ?? (instance.clientDescription || "it ended") };
}
