import { describe, expect, test } from "vitest";
import { testInstance } from "../../../../test/support/cluster-things.ts";
import { replay } from "../../../../test/support/replay.ts";
import { testNomad } from "../../../nomad-api/fakes.ts";
import type { AllocationSummary, TaskState } from "../../../nomad-api/index.ts";
import { instanceFailure } from "./instance-failure.ts";

async function recorded(job: string, file: string): Promise<AllocationSummary[]> {
  await using server = await replay("nomad", [file]);
  await using client = testNomad({ NOMAD_ADDR: server.address });
  return (await client.nomad.jobs.allocations(job)).value;
}

describe("as Nomad told it", () => {
  test("an image that could not be fetched; what was stopped or runs has not failed", async () => {
    const allocations = await recorded("web", "92-job-allocations-missing-image");
    const failures = allocations.map((one) => [one.clientStatus, instanceFailure(one)?.code]);
    expect(failures.filter(([status]) => status === "failed").length).toBeGreaterThan(0);
    for (const [status, code] of failures) expect(code).toBe(status === "failed" ? "INSTANCE_FAILED" : undefined);
  });

  test("an option that the driver does not know", async () => {
    const [allocation] = await recorded("badcfg", "162-job-allocations-bad-driver-config");
    expect(allocation && instanceFailure(allocation)?.cause).toContain("nosuchoption");
  });
});

/** An instance whose one task is so. */
function withTask(change: Partial<TaskState>, instance: Partial<AllocationSummary> = {}): AllocationSummary {
  const task = {
    state: "running",
    failed: false,
    restarts: 0,
    startedAt: undefined,
    finishedAt: undefined,
    events: [],
  };
  return testInstance({ ...instance, tasks: { web: { ...task, ...change } } });
}

const event = (type: string, message = `${type}.`) => ({ type, message, details: {}, at: undefined });

test("nothing is certain of a program that ended once: something that it needs may have been late", () => {
  const once = { restarts: 1, events: [event("Terminated", "Exit Code: 1"), event("Restarting"), event("Started")] };
  expect(instanceFailure(withTask(once))).toBeUndefined();
  expect(instanceFailure(withTask({ ...once, restarts: 2 }))).toMatchObject({
    code: "INSTANCE_FAILED",
    cause: "web: Exit Code: 1, after 2 restarts",
  });
});

test.each([
  "Failed to pull `registry.test/blog@sha256:1`: API error (404): manifest for registry.test/blog@sha256:1 not found: manifest unknown",
  "Failed to pull `registry.test/blog`: API error (404): pull access denied for blog, repository does not exist or may require 'docker login'",
  "Failed to pull `registry.test/blog`: API error (500): unauthorized: authentication required",
  'Failed to pull `registry.test/blog`: API error (500): Get "https://registry.test/v2/blog/manifests/1": no basic auth credentials',
  'Failed to pull `registry.test/blog`: API error (500): Get "https://registry.test/v2/": x509: certificate signed by unknown authority',
  'Failed to pull `registry.test/blog`: API error (500): Get "https://registry.test/v2/": http: server gave HTTP response to HTTPS client',
  "No such image: blog:1",
])("an image that is not there, or not for the node, is one at once: %s", (message) => {
  const failure = instanceFailure(
    withTask({ state: "pending", restarts: 1, events: [event("Driver Failure", message)] }),
  );
  expect(failure?.cause).toContain(message.slice(0, 20));
  expect(failure?.hint).toMatch(/^Push the image/);
});

test("a registry that is away is none yet", () => {
  const message = "Failed to pull `registry.test/blog`: API error (500): dial tcp: i/o timeout";
  const task = { state: "pending", restarts: 1, events: [event("Driver Failure", message), event("Restarting")] };
  expect(instanceFailure(withTask(task))).toBeUndefined();
});

test.each<[what: string, instance: AllocationSummary, cause: string]>([
  ["whose node was lost", testInstance({ clientStatus: "lost" }), "its node node was lost"],
  ["that failed", testInstance({ clientStatus: "failed", clientDescription: "Failed tasks" }), "Failed tasks"],
  ["that failed without a word", testInstance({ clientStatus: "failed" }), "it ended"],
])("an instance %s", (_, instance, cause) => {
  expect(instanceFailure(instance)).toEqual({ code: "INSTANCE_FAILED", cause });
});

test.each(["pending", "running", "complete", "unknown"])("one that is %s has not failed", (clientStatus) => {
  expect(instanceFailure(testInstance({ clientStatus }))).toBeUndefined();
});
