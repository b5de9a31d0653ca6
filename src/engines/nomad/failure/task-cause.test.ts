import { expect, test } from "vitest";
import { replay } from "../../../../test/support/replay.ts";
import { testNomad } from "../../../nomad-api/fakes.ts";
import type { AllocationSummary, TaskState } from "../../../nomad-api/index.ts";
import { taskCause } from "./task-cause.ts";

async function recorded(job: string, file: string): Promise<AllocationSummary[]> {
  await using server = await replay("nomad", [file]);
  await using client = testNomad({ NOMAD_ADDR: server.address });
  return (await client.nomad.jobs.allocations(job)).value;
}

test("an image that is not there", async () => {
  const allocations = await recorded("web", "92-job-allocations-missing-image");
  const told = allocations.filter(({ clientStatus }) => clientStatus === "failed").map(taskCause);
  expect(told[0]).toBe(
    'httpd: Failed to pull `local/bbhttpd:missing`: API error (500): Get "https://registry.example/v2/": dial tcp: lookup registry.example on 127.0.0.53:53: no such host, after 1 restart',
  );
  // Those of before were stopped, since they were no longer wanted.
  expect(allocations.filter(({ clientStatus }) => clientStatus === "complete").map(taskCause)).toContain(undefined);
  expect(allocations.filter(({ clientStatus }) => clientStatus === "running").map(taskCause)).toEqual(
    allocations.filter(({ clientStatus }) => clientStatus === "running").map(() => undefined),
  );
});

test("an option that the driver does not know", async () => {
  const [allocation] = await recorded("badcfg", "162-job-allocations-bad-driver-config");
  expect(allocation && taskCause(allocation)).toBe(
    'httpd: 2 errors occurred: * failed to parse config: * Invalid label: No argument or block type is named "nosuchoption".',
  );
});

/** An instance of one task to which these things happened. */
async function withEvents(
  change: Partial<TaskState>,
  events: ReadonlyArray<[type: string, details?: Record<string, string>]>,
): Promise<AllocationSummary> {
  const [allocation] = await recorded("badcfg", "162-job-allocations-bad-driver-config");
  if (allocation === undefined) throw new Error("nothing was recorded");
  const told = events.map(([type, details = {}]) => ({ type, message: `${type}.`, details, at: undefined }));
  const task = { state: "dead", failed: true, restarts: 0, startedAt: undefined, finishedAt: undefined, ...change };
  return { ...allocation, tasks: { web: { ...task, events: told } } };
}

test.each<[string, Partial<TaskState>, Array<[string, Record<string, string>?]>, string | undefined]>([
  [
    "an exit code",
    { restarts: 3 },
    [["Started"], ["Terminated", { exit_code: "2", signal: "0" }], ["Not Restarting"]],
    "web: it ended with exit code 2, after 3 restarts",
  ],
  [
    "a crash loop",
    { state: "running", failed: false, restarts: 1 },
    [["Terminated", { exit_code: "1" }], ["Restarting"], ["Started"]],
    "web: it ended with exit code 1, after 1 restart",
  ],
  [
    "too much memory",
    {},
    [["Terminated", { oom_killed: "true", exit_code: "137" }]],
    "web: it used more memory than `memory` allows, and was killed",
  ],
  ["a signal", {}, [["Terminated", { exit_code: "0", signal: "11" }]], "web: it ended by signal 11"],
  ["a template", {}, [["Received"], ["Template Failed"]], "web: Template Failed."],
  [
    "an end that was wanted",
    { failed: false },
    [["Started"], ["Killing"], ["Terminated", { exit_code: "143" }], ["Killed"]],
    undefined,
  ],
  [
    "a restart that was wanted",
    { state: "running", failed: false, restarts: 1 },
    [["Restart Signaled"], ["Terminated", { exit_code: "137" }], ["Started"]],
    undefined,
  ],
  ["nothing yet", { state: "pending", failed: false }, [["Received"]], undefined],
])("%s", async (_, change, events, cause) => {
  expect(taskCause(await withEvents(change, events))).toBe(cause);
});

test("a node that was lost", async () => {
  const allocation = await withEvents({ state: "running", failed: false }, [["Started"]]);
  expect(taskCause({ ...allocation, clientStatus: "lost", nodeName: "n1" })).toBe("its node n1 was lost");
});
