import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import { replay } from "../../test/support/replay.ts";
import { testNomad } from "./fakes.ts";
import { milliseconds } from "./nanoseconds.ts";
import type { Nomad } from "./nomad.ts";

/** What Nomad said. */
async function told<Value>(files: readonly string[], ask: (nomad: Nomad) => Promise<Value>): Promise<Value> {
  await using server = await replay("nomad", files);
  await using client = testNomad({ NOMAD_ADDR: server.address });
  return await ask(client.nomad);
}

const NODE = "cb52a42a-ac6e-2805-3499-8f075aa135b0";

describe("the cluster", () => {
  test("has servers, regions, namespaces that are there or not", async () => {
    const files = ["01-status-leader", "142-status-peers", "179-job-plan-type", "177-jobs-namespace-missing"];
    await told(files, async ({ status, jobs }) => {
      expect(await status.leader()).toBe("127.0.0.1:4647");
      expect(await status.peers()).toEqual(["127.0.0.1:4647"]);
      expect(await status.regions()).toEqual(["global"]);
      // Whoever lists the jobs of a namespace cannot tell that there is no such namespace.
      expect((await jobs.list({ namespace: "nope" })).value).toEqual([]);
    });
  });

  test("has an agent that says what it is and how well", async () => {
    await told(["02-agent-self", "03-agent-health"], async ({ agent }) => {
      expect(await agent.self()).toEqual({
        name: "vm.global",
        version: "1.1.2",
        region: "global",
        datacenter: "dc1",
        isServer: true,
        isClient: true,
        hasAcl: false,
        consulAddress: "127.0.0.1:8500",
        wantsConsulToken: false,
        eventBufferSize: 100,
      });
      expect(await agent.health()).toEqual({
        client: { ok: true, message: "ok" },
        server: { ok: true, message: "ok" },
      });
    });
  });

  test("has nodes with drivers; their secrets are left where they are", async () => {
    const [nodes, node] = await told(["04-nodes", "05-node"], async ({ nodes }) => [
      await nodes.list(),
      await nodes.read(NODE),
    ]);
    expect(nodes.index).toBe(9n);
    expect(nodes.value).toMatchObject([
      {
        id: NODE,
        name: "vm",
        datacenter: "dc1",
        status: "ready",
        isDraining: false,
        isEligible: true,
        version: "1.1.2",
        resources: { cpu: 5192, memory: 24_105, disk: 75_004 },
      },
    ]);
    expect(nodes.value[0]?.drivers["docker"]).toEqual({ detected: true, healthy: true, description: "Healthy" });
    expect(nodes.value[0]?.drivers["qemu"]).toMatchObject({ detected: false, healthy: false });
    expect(node.value).toMatchObject({ id: NODE, httpAddress: "127.0.0.1:4646", attributes: { "driver.docker": "1" } });
    expect(
      JSON.stringify(node, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toContain("5ec4e700");
  });

  test("finds whole ids, and collects its garbage", async () => {
    await told(["178-search", "173-system-gc"], async ({ search, system }) => {
      expect(await search.byPrefix("we", "jobs")).toEqual({ ids: ["web"], isCut: false });
      await system.collectGarbage();
    });
  });
});

describe("a job", () => {
  test("is read with all that it holds, and writes back as it came", async () => {
    const { value } = await told(["31-job"], ({ jobs }) => jobs.read("web"));
    expect(value).toMatchObject({
      id: "web",
      namespace: "default",
      type: "service",
      status: "running",
      isStopped: false,
      isStable: true,
      version: 0,
      meta: {},
      createIndex: 10n,
      modifyIndex: 18n,
      jobModifyIndex: 10n,
      submittedAt: 1_795_500_978_874,
    });
    expect(value?.spec).toEqual(recording("nomad", "31-job").response.body);
    const update = value?.spec.TaskGroups?.[0]?.Update;
    expect(milliseconds(update?.MinHealthyTime ?? expect.unreachable())).toBe(3000);
  });

  test("has a summary, evaluations, and a place in the list", async () => {
    await told(["32-job-summary", "34-job-evaluations", "38-jobs", "138-jobs-prefix"], async ({ jobs }) => {
      expect((await jobs.summary("web")).value).toMatchObject({
        groups: { web: { Running: 2, Queued: 0 } },
        modifyIndex: 14n,
      });
      const evaluations = (await jobs.evaluations("web")).value;
      expect(evaluations.map(({ triggeredBy, status }) => [triggeredBy, status])).toEqual([
        ["deployment-watcher", "complete"],
        ["job-register", "complete"],
      ]);
      const [item] = (await jobs.list()).value;
      expect(item).toMatchObject({
        id: "web",
        meta: undefined,
        jobModifyIndex: 10n,
        summary: { groups: { web: { Running: 2 } } },
      });
      const { index, value } = await jobs.list({ prefix: "we" });
      expect([index, value.map(({ id }) => id)]).toEqual([642n, ["web"]]);
    });
  });

  test("has versions, the newest first, each with what it changed", async () => {
    const { value } = await told(["35-job-versions"], ({ jobs }) => jobs.versions("web", { diffs: true }));
    expect(value.map(({ job, diff }) => [job.version, job.isStable, diff])).toEqual([[0, true, undefined]]);
  });

  test("that was stopped is known, that was purged is not, though its deployments are", async () => {
    await told(["167-job-stopped", "168-job-purged", "170-job-purged-deployments"], async ({ jobs }) => {
      expect((await jobs.read("badcfg")).value).toMatchObject({ isStopped: true, status: "pending" });
      expect(await jobs.read("firstbad")).toEqual({ index: 691n, value: undefined });
      expect((await jobs.deployments("firstbad")).value).toMatchObject([{ jobId: "firstbad", status: "failed" }]);
    });
  });

  test("is listed as soon as something changes, and while it is stopped; where there is none the list is empty", async () => {
    await told(["06-jobs-empty", "137-jobs-blocking-change", "169-jobs-with-stopped"], async ({ jobs }) => {
      expect(await jobs.list()).toEqual({ index: 0n, value: [] });
      const changed = await jobs.list({ index: 635n, waitMs: 10_000 });
      expect([changed.index, changed.value.map(({ id }) => id)]).toEqual([639n, ["foo", "web"]]);
      const { value } = await jobs.list();
      expect(value.map(({ id, isStopped }) => [id, isStopped])).toContainEqual(["badcfg", true]);
    });
  });

  test("is reverted to a version that Nomad keeps, if it is as it was", async () => {
    const change = await told(["145-job-revert-ok"], ({ jobs }) => jobs.revert("web", 11, { ifVersion: 12 }));
    expect(change).toEqual({ evaluationId: "78e7c40a-0789-575e-28f2-c603e34a0a67", jobModifyIndex: 644n });
  });

  test("is parsed with its defaults, or only what the jobspec says", async () => {
    const { JobHCL: hcl } = JSON.parse(recording("nomad", "14-jobs-parse-not-canonical").request.body) as {
      JobHCL: string;
    };
    const spec = await told(["14-jobs-parse-not-canonical"], ({ jobs }) => jobs.parse(hcl, { canonicalize: false }));
    expect(spec).toMatchObject({ ID: "web", Namespace: null, TaskGroups: [{ Update: null }] });
    const whole = await told(["13-jobs-parse"], ({ jobs }) => jobs.parse(hcl));
    expect(whole).toMatchObject({
      Namespace: "default",
      TaskGroups: [{ Update: { AutoRevert: true, MinHealthyTime: 3_000_000_000 } }],
    });
  });

  test("is scaled, evaluated and stopped", async () => {
    await told(["106-job-evaluate", "107-job-scale", "163-job-stop", "164-job-stop-purge"], async ({ jobs }) => {
      expect(await jobs.evaluate("web", { forceReschedule: true })).toMatchObject({ jobModifyIndex: 222n });
      expect(await jobs.scale("web", "web", 1, { message: "scale by test" })).toMatchObject({ jobModifyIndex: 226n });
      expect(await jobs.stop("badcfg")).toEqual({
        evaluationId: "f3011aec-2bc5-ba3e-412a-326681ad7444",
        jobModifyIndex: 683n,
      });
      expect(await jobs.stop("firstbad", { purge: true })).toMatchObject({ jobModifyIndex: 686n });
    });
  });
});

describe("a plan", () => {
  test("shows what would change, in Nomad's own words", async () => {
    const { body } = recording("nomad", "50-job-plan-v2").request;
    const { Job } = JSON.parse(body) as { Job: { ID: string } };
    const plan = await told(["50-job-plan-v2"], ({ jobs }) => jobs.plan(Job));
    expect(plan).toMatchObject({
      jobModifyIndex: 10n,
      placementFailures: {},
      warnings: "",
      updates: { web: { Canary: 1, Ignore: 2 } },
    });
    expect(plan.diff).toMatchObject({ type: "Edited", name: "web", groups: [{ type: "Edited", name: "web" }] });
    const update = plan.diff?.groups[0]?.objects.find(({ name }) => name === "Update");
    expect(update?.fields.filter(({ type }) => type !== "None")).toEqual([
      { type: "Edited", name: "Canary", old: "0", new: "1", annotations: [] },
    ]);
    const service = plan.diff?.groups[0]?.tasks[0]?.objects.find(({ name }) => name === "Service");
    expect(service?.fields.find(({ name }) => name === "Meta[version]")).toMatchObject({ old: "1", new: "2" });
  });

  test("of a new job is all added; and says what would find no place, and why", async () => {
    const added = JSON.parse(recording("nomad", "21-job-plan-new").request.body) as { Job: { ID: string } };
    const plan = await told(["21-job-plan-new"], ({ jobs }) => jobs.plan(added.Job));
    expect(plan).toMatchObject({ jobModifyIndex: 0n, diff: { type: "Added" }, updates: { web: { Place: 2 } } });
    const tooBig = JSON.parse(recording("nomad", "155-job-plan-unplaceable").request.body) as { Job: { ID: string } };
    const { placementFailures } = await told(["155-job-plan-unplaceable"], ({ jobs }) =>
      jobs.plan(tooBig.Job, { diff: false }),
    );
    expect(placementFailures["web"]).toMatchObject({
      nodesEvaluated: 1,
      dimensionExhausted: { memory: 1 },
      coalescedFailures: 1,
    });
  });
});

describe("an allocation", () => {
  test("has its ports, its tasks with what happened to them, and its health", async () => {
    const id = "93396355-3d17-62bd-c596-c16428bc1e91";
    const { value } = await told(["41-allocation"], ({ allocations }) => allocations.read(id));
    expect(value).toMatchObject({
      id,
      jobVersion: 0,
      clientStatus: "running",
      desiredStatus: "run",
      deploymentId: "5cb9bd9c-e1e4-092d-75c3-523781afa25d",
      ports: [{ label: "http", address: "127.0.0.1", port: 26182, to: 0 }],
      health: { healthy: true, isCanary: false, at: Date.UTC(2026, 10, 24, 6, 16, 22, 381) },
      tasks: { httpd: { state: "running", failed: false, restarts: 0 } },
    });
    expect(value?.tasks["httpd"]?.events.map(({ type, message }) => [type, message])).toEqual([
      ["Received", "Task received by client"],
      ["Task Setup", "Building Task Directory"],
      ["Started", "Task started by client"],
    ]);
    const stats = await told(["42-client-allocation-stats"], ({ allocations }) => allocations.stats(id));
    expect(stats).toMatchObject({ memory: 761_856, residentMemory: 53_248, at: 1_795_500_983_223 });
  });

  test("that failed says why: an image that is missing, options that the driver does not have", async () => {
    const { value: missing } = await told(["92-job-allocations-missing-image"], ({ jobs }) => jobs.allocations("web"));
    const failed = missing.filter(({ clientStatus }) => clientStatus === "failed");
    expect(failed.map(({ jobVersion }) => jobVersion)).toEqual([7, 7]);
    const driver = failed[0]?.tasks["httpd"]?.events.find(({ type }) => type === "Driver Failure");
    expect(driver?.message).toContain("Failed to pull `local/bbhttpd:missing`");
    const { value: wrong } = await told(["162-job-allocations-bad-driver-config"], ({ jobs }) =>
      jobs.allocations("badcfg"),
    );
    expect(wrong[0]?.tasks["httpd"]?.events.map(({ type }) => type)).toContain("Failed Validation");
  });

  test("is restarted and stopped", async () => {
    const id = "86239b1e-944f-ad3a-e57a-9374f9955247";
    await told(["109-client-allocation-restart", "111-allocation-stop"], async ({ allocations }) => {
      await allocations.restart(id, { task: "httpd" });
      expect(await allocations.stop(id)).toBe("dd3f1dce-f7e4-8177-87b6-659f53b13b59");
    });
  });
});

describe("a deployment", () => {
  test("that is the first, and fails, says that there is nothing to go back to; of none the list is empty", async () => {
    await told(["07-deployments-empty", "152-first-broken-deployment-step3"], async ({ deployments }) => {
      expect(await deployments.list()).toEqual({ index: 0n, value: [] });
      const { value } = await deployments.read("29d26d3b-46b3-c0f6-d408-026f614fa6ec", { index: 664n, waitMs: 20_000 });
      expect(value).toMatchObject({
        status: "failed",
        statusDescription: "Failed due to progress deadline - no stable job version to auto revert to",
        groups: { web: { healthy: 0, unhealthy: expect.any(Number) } },
      });
    });
  });

  test("is failed, and Nomad goes back; is held up and let go on", async () => {
    const files = [
      "93-deployment-fail",
      "97-deployment-pause",
      "98-deployment-paused",
      "99-deployment-resume",
      "101-deployment-cancelled",
    ];
    await told(files, async ({ deployments }) => {
      expect(await deployments.fail("a491eba2-9e45-a9d8-5e4e-b8c2c53aeefd")).toEqual({
        evaluationId: "db21f531-3f85-a546-2a9d-3efac66299a4",
        deploymentModifyIndex: 196n,
        revertedJobVersion: 6,
      });
      const id = "1e9c8cc2-c3fc-6bcf-2c07-e0f6d4ba34ab";
      expect(await deployments.pause(id, true)).toMatchObject({ evaluationId: undefined, deploymentModifyIndex: 203n });
      expect((await deployments.read(id)).value).toMatchObject({ status: "paused" });
      expect(await deployments.pause(id, false)).toMatchObject({ revertedJobVersion: undefined });
      expect((await deployments.read(id)).value).toMatchObject({
        status: "cancelled",
        statusDescription: "Cancelled due to newer version of job",
      });
    });
  });
});
