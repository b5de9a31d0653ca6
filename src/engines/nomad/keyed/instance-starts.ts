import type { TaskEvent, TaskState } from "../../../nomad-api/index.ts";
import type { KeyedStarts } from "../../../store/index.ts";
import type { JobInstance } from "../cluster/job-view.ts";

/** When the tasks of instances were started last, to know later which of them were started anew: each compared with itself, by its own node's clock. */
export function startsOf(instances: readonly Pick<JobInstance, "id" | "tasks">[]): KeyedStarts {
  return Object.fromEntries(
    instances.map(({ id, tasks }) => [
      id,
      Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, startOf(task)])),
    ]),
  );
}

function startOf({ startedAt, events }: TaskState): { startedAt: number | null; lastEventAt: number } {
  return { startedAt: startedAt ?? null, lastEventAt: Math.max(0, ...events.map(({ at = 0 }) => at)) };
}

/** Whether a task runs, and was started since. */
export function isStartedSince(
  starts: KeyedStarts,
  instance: string,
  name: string,
  task: TaskState | undefined,
): boolean {
  if (task?.state !== "running" || task.startedAt === undefined) return false;
  return task.startedAt !== starts[instance]?.[name]?.startedAt;
}

/** Whether a task runs, and was not started since. */
export function isSameStart(starts: KeyedStarts, instance: string, name: string, task: TaskState | undefined): boolean {
  if (task?.state !== "running" || task.startedAt === undefined) return false;
  return task.startedAt === starts[instance]?.[name]?.startedAt;
}

/**
 * The instance with what happened to it with the new tag: what its events then tell of is what came of that. A task that runs is restarted by a signal. One that waits for its next try
 * takes up the new tag with that, so the first failure may yet be of the old.
 *
 * @returns undefined if nothing happened yet
 */
export function withNewTag<Instance extends Pick<JobInstance, "id" | "tasks">>(
  starts: KeyedStarts,
  instance: Instance,
): Instance | undefined {
  const before = starts[instance.id];
  if (before === undefined) return instance;
  const tasks = Object.entries(instance.tasks).map(([name, task]): [string, TaskState] => {
    const { events, isSignaled } = eventsSince(task.events, before[name]?.lastEventAt ?? 0);
    const ends = events.filter(({ type }) => type === "Restarting" || type === "Not Restarting").length;
    // How often it was restarted for other tags, or for this one, says nothing.
    return [name, { ...task, events, restarts: Math.max(0, ends - (isSignaled ? 1 : 0)) }];
  });
  if (tasks.every(([, { events }]) => events.length === 0)) return undefined;
  return { ...instance, tasks: Object.fromEntries(tasks) };
}

function eventsSince(events: readonly TaskEvent[], lastEventAt: number): { events: TaskEvent[]; isSignaled: boolean } {
  const since = events.filter(({ at = 0 }) => at > lastEventAt);
  const signal = since.findIndex(({ type }) => type === "Restart Signaled");
  if (signal !== -1) return { events: since.slice(signal), isSignaled: true };
  const nextTry = since.findIndex(({ type }) => type === "Restarting" || type === "Not Restarting");
  return { events: nextTry === -1 ? [] : since.slice(nextTry + 1), isSignaled: false };
}
