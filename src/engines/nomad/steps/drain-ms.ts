import { type JobSpec, milliseconds, type Nanoseconds } from "../../../nomad-api/index.ts";

/** Nomad's own, where a task says nothing. */
const KILL_TIMEOUT_MS = 5000;

/** How long an instance of the job may take at most from when it is told to stop until it has ended, by its own word. */
export function drainMs({ TaskGroups }: JobSpec): number {
  const groups = (TaskGroups ?? []).map(({ ShutdownDelay, Tasks }) => {
    // One after the other: a leader is stopped before the others are.
    const tasks = (Tasks ?? []).map((task) => msOf(task.ShutdownDelay) + msOf(task.KillTimeout, KILL_TIMEOUT_MS));
    return msOf(ShutdownDelay) + tasks.reduce((sum, ms) => sum + ms, 0);
  });
  return Math.max(0, ...groups);
}

function msOf(duration: Nanoseconds | null | undefined, usual = 0): number {
  return duration === null || duration === undefined ? usual : milliseconds(duration);
}
