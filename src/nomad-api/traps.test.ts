import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import { replay } from "../../test/support/replay.ts";
import { parseJson } from "../shared/json/parse-json.ts";
import { writeJson } from "../shared/json/write-json.ts";
import { deploymentOf, isOver, newestFirst } from "./deployment.ts";
import { fakeNomad, testNomad } from "./fakes.ts";
import type { JobSpec } from "./job-spec.ts";
import { milliseconds } from "./nanoseconds.ts";
import type { Nomad } from "./nomad.ts";

/** What Nomad said. */
async function told<Value>(files: readonly string[], ask: (nomad: Nomad) => Promise<Value>): Promise<Value> {
  await using server = await replay("nomad", files);
  await using client = testNomad({ NOMAD_ADDR: server.address });
  return await ask(client.nomad);
}

/** The job that was sent. */
function specOf(file: string): JobSpec {
  return (parseJson(recording("nomad", file).request.body) as { Job: JobSpec }).Job;
}

describe("a deployment is a registration's", () => {
  test("of an unknown job there is none, and that is no 404", async () => {
    expect(await told(["11-job-latest-deployment-none"], ({ jobs }) => jobs.latestDeployment("nope"))).toEqual({
      index: 0n,
      value: undefined,
    });
    const blocked = await told(["181-job-missing-deployment-blocking"], ({ jobs }) =>
      jobs.latestDeployment("nope", { index: 751n, waitMs: 1000 }),
    );
    expect(blocked).toEqual({ index: 696n, value: undefined });
    expect((await told(["12-job-allocations-none"], ({ jobs }) => jobs.allocations("nope"))).value).toEqual([]);
  });

  test("of a job whose type has none there is none", async () => {
    expect(
      (await told(["186-job-batch-deployment-none"], ({ jobs }) => jobs.latestDeployment("rawtest"))).value,
    ).toBeUndefined();
  });

  test("lists come in no order: the newest is found all the same", async () => {
    const file = "132-deployments-blocking-index-too-high";
    const { value } = await told([file], ({ deployments }) => deployments.list({ index: 99_999_999n, waitMs: 2000 }));
    const came = (recording("nomad", file).response.body as Array<{ CreateIndex: bigint }>).map(
      ({ CreateIndex }) => CreateIndex,
    );
    const found = value.map(({ createIndex }) => createIndex);
    expect(found).not.toEqual(came);
    expect(found).toEqual(came.toSorted((a, b) => Number(b - a)));
    expect(newestFirst(value.toReversed())).toEqual(value);
    expect(deploymentOf(value, "web", 562n)).toMatchObject({ jobVersion: 12, createIndex: 563n });
    expect(deploymentOf(value, "web", 999n)).toBeUndefined();
    expect(deploymentOf(value, "foo", 562n)).toBeUndefined();
  });

  test("is told from the one before by the index of the job's specification, not by what else moved the job", async () => {
    const body = recording("nomad", "37-job-latest-deployment").response.body as Record<string, unknown>;
    // The job's status changed between its registration (23) and the scheduler's work (25).
    const moved = writeJson({ ...body, JobModifyIndex: 25n, JobSpecModifyIndex: 23n });
    await using fake = await fakeNomad((_, response) => response.setHeader("x-nomad-index", "30").end(moved));
    const { value } = await fake.nomad.jobs.latestDeployment("web");
    expect(value?.jobModifyIndex).toBe(23n);
    for (const before of [undefined, 0n]) {
      const old = writeJson({ ...body, JobModifyIndex: 23n, JobSpecModifyIndex: before });
      await using fake = await fakeNomad((_, response) => response.end(old));
      expect((await fake.nomad.jobs.latestDeployment("web")).value?.jobModifyIndex).toBe(23n);
    }
  });

  test("is over when it is", () => {
    const over = ["successful", "failed", "cancelled"];
    const not = ["initializing", "pending", "running", "paused", "blocked", "unblocking", "something new"];
    expect([...over, ...not].filter((status) => isOver({ status }))).toEqual(over);
  });
});

describe("a registration", () => {
  test("of a job in which nothing changed says so: there will be no deployment, not even after one that failed", async () => {
    const first = await told(["22-jobs-register-v1"], ({ jobs }) =>
      jobs.register(specOf("22-jobs-register-v1"), { ifIndex: 0n }),
    );
    expect(first).toEqual({
      evaluationId: "e916b847-50c0-cb4e-4e45-0cb6aee57be1",
      jobModifyIndex: 10n,
      isUnchanged: false,
      warnings: "",
    });
    const again = await told(["49-jobs-register-unchanged"], ({ jobs }) =>
      jobs.register(specOf("49-jobs-register-unchanged")),
    );
    expect(again).toMatchObject({ evaluationId: expect.any(String), jobModifyIndex: 10n, isUnchanged: true });
    const broken = await told(["154-jobs-register-again-broken"], ({ jobs }) =>
      jobs.register(specOf("154-jobs-register-again-broken")),
    );
    expect(broken).toMatchObject({ jobModifyIndex: 659n, isUnchanged: true });
    const second = await told(["51-jobs-register-v2"], ({ jobs }) =>
      jobs.register(specOf("51-jobs-register-v2"), { ifIndex: 10n }),
    );
    expect(second).toMatchObject({ jobModifyIndex: 23n, isUnchanged: false });
  });

  test("by an index that the job still has is unchanged, whichever index the evaluation has", async () => {
    const answer = writeJson({ EvalID: "e", EvalCreateIndex: 7n, JobModifyIndex: 7n, Warnings: "" });
    await using fake = await fakeNomad((_, response) => response.end(answer));
    expect((await fake.nomad.jobs.register({ ID: "a" }, { ifIndex: 7n })).isUnchanged).toBe(true);
    expect((await fake.nomad.jobs.register({ ID: "a" }, { ifIndex: 6n })).isUnchanged).toBe(false);
  });

  test("names an index with all its digits, and a job keeps numbers that JavaScript would round", async () => {
    const answer = '{"EvalID":"","EvalCreateIndex":0,"JobModifyIndex":16732694861022544172,"Warnings":"w"}';
    await using fake = await fakeNomad((_, response) => response.end(answer));
    const spec = parseJson('{"ID":"a","Meta":{"n":"1"},"SubmitTime":1795500978874246227}') as JobSpec;
    const registration = await fake.nomad.jobs.register(spec, { ifIndex: 16732694861022544171n });
    expect(registration).toEqual({
      evaluationId: undefined,
      jobModifyIndex: 16732694861022544172n,
      isUnchanged: false,
      warnings: "w",
    });
    expect(fake.seen[0]?.body.toString()).toBe(
      '{"Job":{"ID":"a","Meta":{"n":"1"},"SubmitTime":1795500978874246227},"EnforceIndex":true,"JobModifyIndex":16732694861022544171}',
    );
  });
});

describe("what cannot be placed", () => {
  test("is told by the evaluation, with what there is too little of, while the deployment runs and no deadline ends it", async () => {
    const spec = specOf("156-jobs-register-unplaceable");
    const files = [
      "156-jobs-register-unplaceable",
      "157-evaluation-blocked",
      "158-job-summary-queued",
      "159-job-deployment-unplaceable",
    ];
    await told(files, async ({ jobs, evaluations }) => {
      const { evaluationId = "", jobModifyIndex } = await jobs.register(spec);
      const { value: evaluation } = await evaluations.read(evaluationId);
      expect(evaluation).toMatchObject({
        status: "complete",
        blockedEvaluation: "bda8688c-57a2-886c-6135-5bf9e6c6fc6f",
        queued: { web: 2 },
        placementFailures: { web: { nodesEvaluated: 1, nodesExhausted: 1, dimensionExhausted: { memory: 1 } } },
      });
      expect((await jobs.summary("toobig")).value?.groups["web"]).toMatchObject({ Queued: 2, Running: 0 });
      const { value: deployment } = await jobs.latestDeployment("toobig");
      expect(deployment).toMatchObject({
        status: "running",
        jobModifyIndex,
        groups: { web: { requireProgressBy: undefined } },
      });
      expect(evaluation?.deploymentId).toBe(deployment?.id);
    });
    // 45 seconds after a registration, with a deadline of 16.
    const { value } = await told(["188-job-deployment-unplaceable-45s"], ({ jobs }) => jobs.latestDeployment("toobig"));
    expect(value).toMatchObject({ status: "running", groups: { toobig: { requireProgressBy: undefined } } });
  });
});

describe("what Nomad does not say", () => {
  test("stopping a job that there is none of answers like any other stop", async () => {
    const change = await told(["165-job-stop-missing"], ({ jobs }) => jobs.stop("nope"));
    expect(change).toMatchObject({ evaluationId: expect.any(String), jobModifyIndex: 689n });
  });

  test("the options of drivers are not looked at", async () => {
    const spec = specOf("17-validate-job");
    await told(["17-validate-job", "18-validate-job-bad"], async ({ jobs }) => {
      expect(await jobs.validate(spec)).toEqual({ errors: [], warnings: "" });
      const { errors } = await jobs.validate(specOf("18-validate-job-bad"));
      expect(errors).toEqual(["Missing job datacenters", expect.stringContaining("Missing task driver")]);
    });
  });

  test("an agent that is not well answers 500 with what is wrong, which is no error", async () => {
    const body = '{"server":{"ok":false,"message":"No cluster leader"}}';
    await using fake = await fakeNomad((_, response) => response.writeHead(500).end(body));
    expect(await fake.nomad.agent.health()).toEqual({
      client: undefined,
      server: { ok: false, message: "No cluster leader" },
    });
    await using other = await fakeNomad((_, response) => response.writeHead(500).end("No cluster leader"));
    await expect(other.nomad.agent.health()).rejects.toMatchObject({ code: "NOMAD_UNREACHABLE" });
  });

  test("durations are nanoseconds, in both directions", async () => {
    const { value } = await told(
      ["40-deployment-allocations", "37-job-latest-deployment"],
      async ({ deployments, jobs }) => {
        expect((await deployments.allocations("5cb9bd9c-e1e4-092d-75c3-523781afa25d")).value).toHaveLength(2);
        return await jobs.latestDeployment("web");
      },
    );
    expect(milliseconds(value?.groups["web"]?.progressDeadline ?? expect.unreachable())).toBe(30_000);
  });
});
