import type { AllocationSummary, TaskEvent, TaskState } from "../../../nomad-api/index.ts";
import { oneLine } from "../../../shared/one-line.ts";

/** Events that say why a task is not as it should be; of all others only that something is going on. */
const TELLING = new Set([
  "Driver Failure",
  "Failed Artifact Download",
  "Failed Restoring Task",
  "Failed Validation",
  "Setup Failure",
  "Sibling Task Failed",
  "Template Failed",
  "Terminated",
]);

/** After these, that a task ends is what was wanted. */
const WANTED = new Set(["Killing", "Restart Signaled"]);

/**
 * Why an instance failed, or does not come up, as one line of what its node says: the image that is not there, the option that the driver does not know, the exit code. What stops
 * an instance that is no longer wanted is no cause.
 *
 * @returns undefined if its tasks run, or nothing is known yet: then its check says why
 */
export function taskCause(allocation: AllocationSummary): string | undefined {
  const causes = Object.entries(allocation.tasks).flatMap(([name, task]) => {
    const cause = causeOf(task);
    return cause === undefined ? [] : [`${name}: ${cause}`];
  });
  if (causes.length > 0) return causes.join("; ");
  return allocation.clientStatus === "lost" ? `its node ${allocation.nodeName} was lost` : undefined;
}

function causeOf({ state, failed, restarts, events }: TaskState): string | undefined {
  if (!failed && restarts === 0 && state !== "dead") return undefined;
  const event = events.findLast(({ type }, at) => TELLING.has(type) && !WANTED.has(events[at - 1]?.type ?? ""));
  if (event === undefined) return undefined;
  const again = restarts === 0 ? "" : `, after ${restarts} ${restarts === 1 ? "restart" : "restarts"}`;
  return `${describe(event)}${again}`;
}

function describe({ type, message, details }: TaskEvent): string {
  if (type !== "Terminated") return oneLine(message === "" ? type : message);
  if (details["oom_killed"] === "true") return "it used more memory than `memory` allows, and was killed";
  const { exit_code: code = "", signal = "0" } = details;
  if (signal !== "0") return `it ended by signal ${signal}`;
  return code === "" ? oneLine(message) : `it ended with exit code ${code}`;
}
