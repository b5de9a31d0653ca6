import { expect, test } from "vitest";
import type { TaskEvent } from "../../../nomad-api/index.ts";
import type { JobInstance } from "../cluster/job-view.ts";
import { isSameStart, isStartedSince, startsOf, withNewTag } from "./instance-starts.ts";

/** An instance of one task, to which these things happened, a second after another. */
function instance(types: readonly string[], startedAt: number | undefined = 1, state = "running"): JobInstance {
  const events = types.map((type, at): TaskEvent => ({ type, message: "", details: {}, at: at * 1000 + 1 }));
  const task = { state, failed: false, restarts: 7, startedAt, finishedAt: undefined, events };
  return { id: "a", name: "blog.web[0]", tasks: { server: task } } as unknown as JobInstance;
}

/** Of what happened since the first so many: which events count, and how many restarts. */
function counted(types: readonly string[], before: number): [string[], number] | undefined {
  const starts = startsOf([instance(types.slice(0, before))]);
  const task = withNewTag(starts, instance(types))?.tasks["server"];
  return task && [task.events.map(({ type }) => type), task.restarts];
}

test("a task that runs is restarted by a signal: what comes with it is of the new tag", () => {
  const types = ["Started", "Restart Signaled", "Terminated", "Restarting", "Driver Failure", "Restarting"];
  expect(counted(types, 1)).toEqual([types.slice(1), 1]);
  expect(counted(types, types.length)).toBeUndefined();
});

test("of a task that waits for its next try, the first failure may be of the old tag", () => {
  const types = ["Terminated", "Restarting", "Started", "Terminated", "Restarting"];
  expect(counted(types, 2)).toBeUndefined();
  const again = [...types, "Started", "Terminated", "Restarting"];
  expect(counted(again, 2)).toEqual([["Started", "Terminated", "Restarting"], 1]);
});

test("all that happened to an instance that was not there before is of the new tag", () => {
  const fresh = instance(["Received", "Driver Failure"]);
  expect(withNewTag({}, fresh)).toBe(fresh);
});

test("whether a task was started since is told by itself, and only while it runs", () => {
  const starts = startsOf([instance(["Started"], 5)]);
  const told = (startedAt: number | undefined, state?: string): boolean[] => {
    const task = instance([], startedAt, state).tasks["server"];
    return [isStartedSince(starts, "a", "server", task), isSameStart(starts, "a", "server", task)];
  };
  expect(told(5)).toEqual([false, true]);
  expect(told(4)).toEqual([true, false]); // the clock of its node was set back
  expect(told(6, "pending")).toEqual([false, false]);
  const task = instance([], 5).tasks["server"];
  expect([isStartedSince(starts, "b", "server", task), isSameStart(starts, "b", "server", task)]).toEqual([
    true,
    false,
  ]);
});
