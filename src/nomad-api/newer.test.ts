import { expect, test } from "vitest";
import { replay } from "../../test/support/replay.ts";
import { testNomad } from "./fakes.ts";
import type { Nomad } from "./nomad.ts";

/** What Nomad 1.6.5 said, where it says more than 1.1 or otherwise. */
async function told<Value>(files: readonly string[], ask: (nomad: Nomad) => Promise<Value>): Promise<Value> {
  await using server = await replay("nomad", files);
  await using client = testNomad({ NOMAD_ADDR: server.address });
  return await ask(client.nomad);
}

const ALLOCATION = "cdb12d30-e10e-41a7-0c0b-b821cabf0ab3";

test("an agent, servers and namespaces", async () => {
  await told(["201-agent-self-newer", "202-agent-members", "203-namespaces"], async ({ agent, namespaces }) => {
    expect(await agent.self()).toMatchObject({
      name: "vm.global",
      version: "1.6.5",
      isServer: true,
      eventBufferSize: 100,
    });
    expect(await agent.members()).toEqual([
      { name: "vm.global", address: "127.0.0.1", status: "alive", region: "global", datacenter: "dc1", build: "1.6.5" },
    ]);
    expect((await namespaces.list()).value).toEqual([{ name: "default", description: "Default shared namespace" }]);
  });
});

test("jobs with their meta, evaluations and allocations of all jobs, without the states of tasks", async () => {
  await told(["207-jobs-meta", "208-evaluations", "209-allocations"], async ({ jobs, evaluations, allocations }) => {
    const [job] = (await jobs.list({ prefix: "probe", meta: true })).value;
    expect(job).toMatchObject({
      id: "probe",
      meta: { steppe: "1" },
      jobModifyIndex: 119n,
      summary: { groups: { g: { Running: 1, Unknown: 0 } } },
    });
    const all = (await evaluations.list()).value;
    expect(all.map(({ triggeredBy }) => triggeredBy)).toContain("job-scaling");
    const { value } = await allocations.list({ tasks: false });
    expect(value.find(({ id }) => id === ALLOCATION)).toMatchObject({ clientStatus: "running", tasks: {} });
  });
});

test("the end of a log, and a signal", async () => {
  await told(["210-client-fs-logs-last-bytes", "214-client-allocation-signal"], async ({ logs, allocations }) => {
    const source = { allocation: ALLOCATION, task: "t", type: "stdout" } as const;
    expect((await logs.read(source, { lastBytes: 6 })).toString()).toBe("world\n");
    await allocations.signal(ALLOCATION, "SIGHUP", { task: "t" });
  });
});

test("a job that is stopped and there is none of", async () => {
  expect(await told(["222-job-stop-none"], ({ jobs }) => jobs.stop("nope"))).toEqual({
    evaluationId: undefined,
    jobModifyIndex: 0n,
  });
});
