import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { contract } from "../../test/support/contract.ts";
import { recording } from "../../test/support/recording.ts";
import { systemClock } from "../shared/clock.ts";
import { parseJson } from "../shared/json/parse-json.ts";
import { type Deployment, isOver } from "./deployment.ts";
import type { Evaluation } from "./evaluation.ts";
import type { JobSpec } from "./job-spec.ts";
import { nanoseconds } from "./nanoseconds.ts";
import type { Nomad } from "./nomad.ts";
import { openNomad } from "./open-nomad.ts";
import { nomadOptions } from "./options.ts";

/** Where a story is told. */
interface Stage extends AsyncDisposable {
  nomad: Nomad;
  real: boolean;
}

const WAIT_MS = 20_000;
/** What is done at once in a recording takes a real Nomad its time. */
const TIMEOUT = { timeout: 120_000 };

/**
 * The real Nomad if there is one, with nothing on it of what the story runs; else the recording of the story. Of the real one nothing is expected but the driver
 * `raw_exec` or `exec`.
 */
async function begin(files: readonly string[]): Promise<Stage> {
  const peer = await contract("nomad", files);
  const nomad = openNomad(nomadOptions(peer.environment), { clock: systemClock });
  if (peer.real) await tidy(nomad);
  return {
    nomad,
    real: peer.real,
    [Symbol.asyncDispose]: async () => {
      if (peer.real) await tidy(nomad);
      nomad[Symbol.dispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}

async function tidy({ jobs, system }: Nomad): Promise<void> {
  for (const id of ["web", "toobig"]) await jobs.stop(id, { purge: true });
  await system.collectGarbage();
}

/** The job that was sent when it was recorded; on a real Nomad one of the same shape that needs neither Docker nor Consul. */
async function jobFor({ nomad, real }: Stage, file: string): Promise<JobSpec> {
  const { Job } = parseJson(recording("nomad", file).request.body) as { Job: JobSpec };
  if (!real) return Job;
  const [node] = (await nomad.nodes.list()).value;
  const driver = ["raw_exec", "exec"].find((name) => node?.drivers[name]?.healthy) ?? "raw_exec";
  const group = Job.TaskGroups?.[0];
  const update = { ...group?.Update, HealthCheck: "task_states", MinHealthyTime: nanoseconds(3000) };
  return {
    ID: Job.ID,
    Name: Job.ID,
    Type: "service",
    Datacenters: [node?.datacenter ?? "dc1"],
    Meta: { file },
    TaskGroups: [
      {
        Name: "web",
        Count: 2,
        Update: update,
        Tasks: [
          {
            Name: "httpd",
            Driver: driver,
            Config: { command: "/bin/sleep", args: ["600"] },
            Resources: { CPU: 20, MemoryMB: group?.Tasks?.[0]?.Resources?.MemoryMB ?? 32 },
            KillTimeout: nanoseconds(1000),
          },
        ],
      },
    ],
  };
}

/** The evaluation, as soon as the scheduler is done with it. */
async function settled({ evaluations }: Nomad, id: string): Promise<Evaluation> {
  for (let index = 0n; ;) {
    const snapshot = await evaluations.read(id, { index, waitMs: WAIT_MS });
    if (snapshot.value !== undefined && snapshot.value.status !== "pending") return snapshot.value;
    index = snapshot.index ?? 0n;
  }
}

/** Follows a deployment until something holds of it. */
async function deploymentUntil(
  { deployments }: Nomad,
  id: string,
  holds: (deployment: Deployment) => boolean,
): Promise<Deployment> {
  for (let index = 0n; ;) {
    const snapshot = await deployments.read(id, { index, waitMs: WAIT_MS });
    if (snapshot.value === undefined) throw new Error(`there is no deployment ${id}`);
    if (holds(snapshot.value)) return snapshot.value;
    index = snapshot.index ?? 0n;
  }
}

test("the cluster: leader, servers, regions, agent, nodes", TIMEOUT, async () => {
  await using stage = await begin([
    "01-status-leader",
    "142-status-peers",
    "179-job-plan-type",
    "02-agent-self",
    "03-agent-health",
    "04-nodes",
  ]);
  const {
    nomad: { status, agent, nodes },
  } = stage;
  expect(await status.leader()).toMatch(/^.+:\d+$/);
  expect((await status.peers()).length).toBeGreaterThan(0);
  const regions = await status.regions();
  const self = await agent.self();
  expect(regions).toContain(self.region);
  expect(self).toMatchObject({ version: expect.stringMatching(/^1\.\d+\.\d+/), isServer: true });
  expect((await agent.health()).server).toMatchObject({ ok: true });
  const { index, value } = await nodes.list();
  expect(index).toBeGreaterThan(0n);
  expect(value.some(({ status }) => status === "ready")).toBe(true);
});

test("what is not there", TIMEOUT, async () => {
  await using stage = await begin([
    "08-job-not-found",
    "09-deployment-not-found",
    "10-deployment-bad-id",
    "11-job-latest-deployment-none",
    "12-job-allocations-none",
    "165-job-stop-missing",
  ]);
  const {
    nomad: { jobs, deployments },
  } = stage;
  expect((await jobs.read("nope")).value).toBeUndefined();
  expect((await deployments.read("00000000-0000-0000-0000-000000000000")).value).toBeUndefined();
  await expect(deployments.read("nope")).rejects.toMatchObject({
    code: "NOMAD_REFUSED",
    reason: expect.stringContaining("no whole id"),
  });
  expect((await jobs.latestDeployment("nope")).value).toBeUndefined();
  expect((await jobs.allocations("nope")).value).toEqual([]);
  await jobs.stop("nope");
});

test("a jobspec: parsed, validated, planned, refused", TIMEOUT, async () => {
  await using stage = await begin([
    "13-jobs-parse",
    "15-jobs-parse-error",
    "16-jobs-parse-empty",
    "17-validate-job",
    "18-validate-job-bad",
    "19-jobs-register-bad",
    "21-job-plan-new",
  ]);
  const {
    nomad: { jobs },
  } = stage;
  const { JobHCL: hcl } = JSON.parse(recording("nomad", "13-jobs-parse").request.body) as { JobHCL: string };
  const { JobHCL: wrong } = JSON.parse(recording("nomad", "15-jobs-parse-error").request.body) as { JobHCL: string };
  const { Job: bad } = parseJson(recording("nomad", "18-validate-job-bad").request.body) as { Job: JobSpec };
  const spec = await jobs.parse(hcl);
  expect(spec).toMatchObject({
    ID: "web",
    Type: "service",
    TaskGroups: [{ Name: "web", Count: 2, Tasks: [{ Driver: "docker" }] }],
  });
  await expect(jobs.parse(wrong, { name: "web.nomad.hcl", canonicalize: false })).rejects.toMatchObject({
    code: "NOMAD_JOB_INVALID",
    subject: "web.nomad.hcl",
    reason: expect.stringContaining("drivr"),
  });
  await expect(jobs.parse("", { canonicalize: false })).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID" });
  expect((await jobs.validate(spec)).errors).toEqual([]);
  expect((await jobs.validate(bad)).errors.join()).toContain("Missing task driver");
  await expect(jobs.register(bad)).rejects.toMatchObject({
    code: "NOMAD_JOB_INVALID",
    detail: expect.stringContaining("Missing task driver"),
  });
  const plan = await jobs.plan(spec);
  expect(plan).toMatchObject({ jobModifyIndex: 0n, diff: { type: "Added", name: "web" } });
});

test("a first deployment, and registrations that come too late or change nothing", TIMEOUT, async () => {
  await using stage = await begin([
    "22-jobs-register-v1",
    "23-evaluation-v1",
    "24-first-deployment-step1",
    "25-first-deployment-step2",
    "26-first-deployment-step3",
    "27-first-deployment-step4",
    "30-evaluation-allocations-v1",
    "31-job",
    "32-job-summary",
    "36-job-deployments",
    "37-job-latest-deployment",
    "47-jobs-register-index-conflict",
    "48-jobs-register-index-conflict-wrong",
    "49-jobs-register-unchanged",
  ]);
  const { nomad, real } = stage;
  const spec = await jobFor(stage, "22-jobs-register-v1");
  const { evaluationId = "", jobModifyIndex, isUnchanged } = await nomad.jobs.register(spec, { ifIndex: 0n });
  expect(isUnchanged).toBe(false);
  const { deploymentId = "", placementFailures } = await settled(nomad, evaluationId);
  expect(placementFailures).toEqual({});
  const deployment = await deploymentUntil(nomad, deploymentId, isOver);
  expect(deployment).toMatchObject({
    status: "successful",
    jobVersion: 0,
    jobModifyIndex,
    groups: { web: { healthy: 2, desiredTotal: 2 } },
  });

  const { value: allocations } = await nomad.evaluations.allocations(evaluationId);
  expect(allocations.map(({ clientStatus, health }) => [clientStatus, health?.healthy])).toEqual([
    ["running", true],
    ["running", true],
  ]);
  expect((await nomad.jobs.read("web")).value).toMatchObject({
    version: 0,
    isStable: true,
    status: "running",
    jobModifyIndex,
  });
  expect((await nomad.jobs.summary("web")).value?.groups["web"]).toMatchObject({ Running: 2 });
  expect((await nomad.jobs.deployments("web")).value.map(({ id }) => id)).toEqual([deploymentId]);
  expect((await nomad.jobs.latestDeployment("web")).value?.id).toBe(deploymentId);

  await expect(nomad.jobs.register(spec, { ifIndex: 0n })).rejects.toMatchObject({
    code: "NOMAD_JOB_CHANGED",
    reason: expect.stringContaining("there is such a job already"),
  });
  const other = real ? jobModifyIndex + 1_000_000n : 7n;
  await expect(nomad.jobs.register(spec, { ifIndex: other })).rejects.toMatchObject({
    code: "NOMAD_JOB_CHANGED",
    reason: expect.stringContaining(`(its index is ${jobModifyIndex}, not ${other})`),
  });
  expect(await nomad.jobs.register(spec)).toMatchObject({ isUnchanged: true, jobModifyIndex });
});

test("a canary: promoted too early, promoted, promoted again", TIMEOUT, async () => {
  await using stage = await begin([
    "51-jobs-register-v2",
    "52-deployment-promote-too-early",
    "53-canary-deployment-step1",
    "54-canary-deployment-step2",
    "57-deployment-promote",
    "58-promoted-deployment-step1",
    "59-promoted-deployment-step2",
    "60-promoted-deployment-step3",
    "62-deployment-promote-again",
  ]);
  const { nomad, real } = stage;
  const before = real ? await deployedOnce(stage) : 10n;
  const spec = await jobFor(stage, "51-jobs-register-v2");
  const { evaluationId = "", jobModifyIndex } = await nomad.jobs.register(spec, { ifIndex: before });
  const id = real ? (await settled(nomad, evaluationId)).deploymentId : "5e88d707-25fe-a4f1-260d-8ac60c9ecbc5";
  if (id === undefined) throw new Error("there is no deployment");
  await expect(nomad.deployments.promote(id)).rejects.toMatchObject({ code: "NOMAD_DEPLOYMENT_UNREADY" });
  const canary = await deploymentUntil(nomad, id, ({ groups }) => groups["web"]?.healthy === 1);
  expect(canary).toMatchObject({
    jobModifyIndex,
    status: "running",
    groups: { web: { promoted: false, desiredCanaries: 1, placedCanaries: [expect.any(String)] } },
  });
  expect(await nomad.deployments.promote(id)).toMatchObject({
    evaluationId: expect.any(String),
    revertedJobVersion: undefined,
  });
  const promoted = await deploymentUntil(nomad, id, isOver);
  expect(promoted).toMatchObject({ status: "successful", groups: { web: { promoted: true, healthy: 2 } } });
  await expect(nomad.deployments.promote(id)).rejects.toMatchObject({ code: "NOMAD_DEPLOYMENT_OVER" });
});

/** Version 0 of the job, on a real Nomad: its index. */
async function deployedOnce(stage: Stage): Promise<bigint> {
  const { nomad } = stage;
  const { evaluationId = "", jobModifyIndex } = await nomad.jobs.register(await jobFor(stage, "22-jobs-register-v1"));
  const { deploymentId = "" } = await settled(nomad, evaluationId);
  await deploymentUntil(nomad, deploymentId, isOver);
  return jobModifyIndex;
}

test("what finds no place", TIMEOUT, async () => {
  await using stage = await begin([
    "156-jobs-register-unplaceable",
    "157-evaluation-blocked",
    "159-job-deployment-unplaceable",
  ]);
  const { nomad } = stage;
  const { evaluationId = "", jobModifyIndex } = await nomad.jobs.register(
    await jobFor(stage, "156-jobs-register-unplaceable"),
  );
  const evaluation = await settled(nomad, evaluationId);
  expect(evaluation.blockedEvaluation).toBeDefined();
  expect(evaluation.placementFailures["web"]?.dimensionExhausted).toMatchObject({ memory: 1 });
  const { value } = await nomad.jobs.latestDeployment("toobig");
  expect(value).toMatchObject({
    status: "running",
    jobModifyIndex,
    groups: { web: { requireProgressBy: undefined } },
  });
});

test("the event stream tells of a job that comes and goes", TIMEOUT, async (context) => {
  await using stage = await begin([]);
  if (!stage.real) context.skip("NOMAD_ADDR is not set: a replay cannot know what we do meanwhile");
  const { nomad } = stage;
  const spec = { ...(await jobFor(stage, "156-jobs-register-unplaceable")), ID: `events-${randomUUID()}` };
  const signal = AbortSignal.timeout(60_000);
  const types: string[] = [];
  for await (const item of nomad.events({ topics: [{ topic: "Job", key: spec.ID }], signal })) {
    const jobs =
      item.kind === "events" ? item.events.filter(({ topic, key }) => topic === "Job" && key === spec.ID) : [];
    types.push(...jobs.map(({ type }) => type));
    if (item.kind === "resync") await nomad.jobs.register(spec);
    else if (types.includes("JobDeregistered")) break;
    else await nomad.jobs.stop(spec.ID);
  }
  expect(types).toContain("JobRegistered");
  await nomad.jobs.stop(spec.ID, { purge: true });
});
