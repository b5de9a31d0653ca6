import { describe, expect, test } from "vitest";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import { parseDefinition } from "../../../config/parse-definition.ts";
import { writeJson } from "../../../shared/json/write-json.ts";
import { makeJob } from "../job/make-job.ts";
import { ownJob } from "../job/own-job.ts";
import { readJobspec } from "../job/read-jobspec.ts";
import type { GroupSpec, JobSpec } from "../../../nomad-api/index.ts";
import { adoptJob } from "./adopt-job.ts";
import type { DefinitionParts } from "./definition-parts.ts";
import { type KnownJob, knownCheck, knownJob } from "./fakes.ts";
import { SOME_DIGEST } from "./some-digest.ts";

const settings = { datacenters: ["dc1"] };

const define = async ({ check, run, ...parts }: DefinitionParts) => {
  const usual = testDefinition("blog");
  return parseDefinition({ ...usual, ...parts, check: { ...usual.check, ...check }, run: { ...usual.run, ...run } });
};

function adopt(known: KnownJob = {}, domains: string[] = [], app = "blog") {
  return adoptJob(knownJob(known), { app, settings, domains, define });
}

const refusal = (known: KnownJob, domains: string[] = []) =>
  adopt(known, domains).then(
    () => "adopted",
    ({ code, reason }: { code: string; reason: string }) => [code, reason],
  );

/** A part of the job that is made of an adopted definition, as it goes to Nomad. */
async function madeOf(known: KnownJob): Promise<GroupSpec[]> {
  const { definition } = await adopt(known);
  const job = makeJob({ app: "blog", number: 1, image: SOME_DIGEST, definition }, settings);
  return (JSON.parse(writeJson(job)) as JobSpec).TaskGroups ?? [];
}

describe("in the names of steppe.yaml", () => {
  test("a job that says nothing else", async () => {
    const { definition, image, notes } = await adopt();
    expect(definition).toEqual(
      await define({
        domains: ["blog.test"],
        image: { repository: "registry.test:5000/team/blog", site: null },
        check: { path: "/health", timeoutMs: 2000 },
        run: { port: 8080, cpu: 50, memory: 32, minHealthyMs: 10_000 },
      }),
    );
    expect([image, notes]).toEqual(["registry.test:5000/team/blog:v5", []]);
  });

  test("how instances are run", async () => {
    const { definition } = await adopt({
      job: {
        Constraints: [
          { LTarget: "${attr.kernel.name}", Operand: "=", RTarget: "linux" },
          { LTarget: "", Operand: "distinct_hosts", RTarget: "true" },
          { LTarget: "${meta.rack}", Operand: "is", RTarget: "r1" },
        ],
        Spreads: [{ Attribute: "${node.datacenter}", Weight: 50, SpreadTarget: null }],
      },
      group: { Count: 3, ShutdownDelay: 5_000_000_000 as never, Update: { Canary: 1, AutoPromote: false } },
      task: {
        Config: { image: "nginx", ports: ["http"], command: "serve", args: ["--port", "8080"] },
        Env: { A: "1", EMPTY: "" },
        Resources: { CPU: 100, MemoryMB: 64, MemoryMaxMB: 128 },
      },
      service: { Meta: { metrics_path: "/metrics" }, Tags: ["urlprefix-*.blog.test/", "urlprefix-/"] },
    });
    expect(definition.domains).toEqual(["*.blog.test", "*"]);
    expect(definition.image?.repository).toBe("docker.io/library/nginx");
    expect(definition.run).toMatchObject({
      command: "serve",
      args: ["--port", "8080"],
      count: 3,
      memoryMax: 128,
      metrics: "/metrics",
      env: { A: "1", EMPTY: "" },
      constraints: [
        { attribute: "${attr.kernel.name}", operator: "=", value: "linux" },
        { attribute: null, operator: "distinct_hosts", value: "true" },
        { attribute: "${meta.rack}", operator: "=", value: "r1" },
      ],
      spread: ["${node.datacenter}"],
      promote: "manual",
      shutdownDelayMs: 5000,
    });
    expect(definition.nomad).toEqual({ job: {}, group: {}, task: {}, service: {} });
  });

  test("a port that the program is told of", async () => {
    const network = { DynamicPorts: [{ Label: "http", To: 0 }], Mode: "host" };
    expect((await adopt({ group: { Networks: [network] } })).definition.run.port).toBeNull();
  });
});

describe("as a fragment", () => {
  const fragmentOf = async (known: KnownJob) => (await adopt(known)).definition.nomad;

  test("what there is no name for, and nothing that Nomad has anyway", async () => {
    const spread = { Attribute: "${meta.rack}", Weight: 70, SpreadTarget: [{ Value: "r1", Percent: 100 }] };
    const fragment = await fragmentOf({
      job: { Priority: 70, Meta: { team: "web", steppe_app: "x" }, Datacenters: ["dc1", "dc2"], Spreads: [spread] },
      group: {
        RestartPolicy: {
          Attempts: 0,
          Delay: 15_000_000_000 as never,
          Interval: 1_800_000_000_000 as never,
          Mode: "fail",
        },
        Constraints: [{ LTarget: "${attr.vault.version}", Operand: "semver", RTarget: ">= 0.6.1" }, { Operand: "=" }],
      },
      task: {
        Config: { image: "team/blog:v1", ports: ["http"], cap_drop: ["all"], privileged: false },
        KillTimeout: 20_000_000_000 as never,
        Templates: [{ EmbeddedTmpl: "A=1\nB=2\n", DestPath: "local/env", Envvars: true, ChangeMode: "restart" }],
        User: "1000",
      },
      service: { Tags: ["urlprefix-blog.test/", "urlprefix-blog.test/old strip=/old", "web"], Meta: { a: "b" } },
    });
    expect(fragment).toEqual({
      job: { Priority: 70, Meta: { team: "web" }, Datacenters: ["dc2"], Spreads: [spread] },
      group: {
        // The task has the policy that the job before had: Nomad writes it there only when it registers.
        RestartPolicy: { Attempts: 0, Delay: 15_000_000_000, Interval: 1_800_000_000_000, Mode: "fail" },
        Constraints: [{ Operand: "=" }],
      },
      task: {
        Config: { cap_drop: ["all"], privileged: false },
        KillTimeout: 20_000_000_000,
        RestartPolicy: {
          Attempts: 2,
          Delay: 15_000_000_000,
          Interval: 1_800_000_000_000,
          Mode: "fail",
          RenderTemplates: false,
        },
        Templates: [{ EmbeddedTmpl: "A=1\nB=2\n", DestPath: "local/env", Envvars: true, ChangeMode: "restart" }],
        User: "1000",
      },
      service: { Tags: ["urlprefix-blog.test/old strip=/old", "web"], Meta: { a: "b" } },
    });
  });

  test("more checks than one; Steppe's own takes the place of the first", async () => {
    const tcp = knownCheck({ Name: "listens", Type: "tcp" });
    const http = knownCheck({ Name: "answers", Type: "http", Path: "/up" });
    const [group] = await madeOf({ service: { Checks: [tcp, http] } });
    const checks = group?.Services?.[0]?.Checks;
    expect(checks).toMatchObject([
      { Type: "http", Path: "/up", Timeout: 2_000_000_000 },
      { Type: "tcp", Name: "listens" },
    ]);
  });
});

test("a service of the task with several checks, of which Nomad says the task, and what it says of scaling", async () => {
  const checks = [
    { Type: "http", Path: "/up" },
    { Type: "tcp", Name: "listens" },
  ];
  const Checks = checks.map((check) => knownCheck({ ...check, TaskName: "web" }));
  const service = { Name: "blog", PortLabel: "http", TaskName: "web", Tags: ["urlprefix-blog.test/"], Checks };
  const Scaling = {
    ID: "c2b3",
    CreateIndex: 1,
    ModifyIndex: 2,
    Target: { Job: "blog" },
    Min: 0,
    Max: 5,
    Enabled: true,
  };
  const task = { Name: "web", Services: [service] };
  const { definition } = await adopt({ service: null, task, group: { Scaling } });
  expect(definition.nomad).toMatchObject({
    group: { Scaling: { Min: 0, Max: 5, Enabled: true } },
    service: { Checks: [{ Type: "tcp", Name: "listens" }] },
  });
  expect(JSON.stringify(definition.nomad)).not.toMatch(/TaskName|c2b3|Index|Target/);
});

test("a route of something that is no domain is kept as it is", async () => {
  const Tags = ["urlprefix-blog.test/", "urlprefix-10.0.0.1/", "urlprefix--x.test/"];
  const { definition } = await adopt({ service: { Tags } });
  expect(definition.domains).toEqual(["blog.test"]);
  expect(definition.nomad.service).toEqual({ Tags: ["urlprefix-10.0.0.1/", "urlprefix--x.test/"] });
});

describe("what a Steppe knew a job of its own by", () => {
  const owner = { steppe_app: "blog", steppe_release: "3" };
  const Meta = { ...owner, steppe_image: SOME_DIGEST, steppe_definition: "d", team: "web" };
  const known: KnownJob = {
    job: { Meta },
    service: { Meta: { ...owner, a: "b" }, CanaryMeta: owner, CanaryTags: ["canary"] },
  };

  test("is left out, so that it is a job in the names of steppe.yaml once more", async () => {
    const { definition, notes } = await adopt({ ...known, group: { Update: { Canary: 1, AutoPromote: false } } });
    expect(definition.nomad).toMatchObject({ job: { Meta: { team: "web" } }, service: { Meta: { a: "b" } } });
    expect(definition.run.promote).toBe("auto");
    expect(notes).toEqual([
      "A Steppe made it: whether a person let its releases take over cannot be seen. If so, say `run.promote: manual`.",
    ]);
    const [group] = await madeOf(known);
    expect(group?.Services?.[0]?.Meta).toEqual({ steppe_app: "blog", steppe_release: "1", a: "b" });
  });

  test("also of one that is kept as a jobspec", async () => {
    const { definition } = await adopt({ ...known, group: { Name: "web" } });
    const spec = await readJobspec(definition.job ?? "", { nomad: undefined as never, app: "blog" });
    expect(spec.Meta).toEqual({ team: "web" });
    const [service] = spec.TaskGroups?.[0]?.Services ?? [];
    expect([service?.Meta, service?.CanaryMeta]).toEqual([{ a: "b" }, undefined]);
  });
});

describe("as the jobspec that it is", () => {
  const kept = async (known: KnownJob, app = "blog") => {
    const { definition, notes } = await adopt(known, [], app);
    expect(definition.run).toEqual(testDefinition("blog").run);
    return {
      spec: await readJobspec(definition.job ?? "", { nomad: undefined as never, app: "blog" }),
      definition,
      notes,
    };
  };

  test("what neither can say, without the version of the image", async () => {
    const redis = {
      Name: "redis",
      Count: 1,
      Tasks: [{ Name: "redis", Driver: "docker", Config: { image: "redis:7" } }],
    };
    const known = { job: { TaskGroups: [...(knownJob().TaskGroups ?? []), redis], Meta: { team: "web" } } };
    const { spec, definition, notes } = await kept(known);
    expect(definition).toMatchObject({ domains: ["blog.test"], image: { repository: "registry.test:5000/team/blog" } });
    expect(notes.slice(0, 2)).toEqual([
      "It is kept as a jobspec, since it has 2 groups.",
      "Steppe says only which version of registry.test:5000/team/blog runs; all else stays as the jobspec has it, also the version of docker.io/library/redis.",
    ]);
    expect(spec).toMatchObject({ ID: "blog", Meta: { team: "web" }, Datacenters: ["dc1"], Type: "service" });
    expect(Object.keys(spec)).not.toContain("Status");
    expect(spec.TaskGroups?.map(({ Tasks }) => Tasks?.[0]?.Config)).toEqual([
      { image: "registry.test:5000/team/blog", ports: ["http"] },
      { image: "redis:7" },
    ]);
    const release = { app: "blog", number: 1, image: SOME_DIGEST, definition };
    const made = ownJob(spec, release, settings);
    expect(made.TaskGroups?.[0]?.Tasks?.[0]?.Config?.["image"]).toBe(`registry.test:5000/team/blog@${SOME_DIGEST}`);
  });

  const ofTask = { Name: "blog", PortLabel: "http", AddressMode: "driver", Tags: ["urlprefix-blog.test/"] };

  test.each<[string, KnownJob]>([
    [
      "it has 2 tasks",
      { group: { Tasks: [...(knownJob().TaskGroups?.[0]?.Tasks ?? []), { Name: "side", Driver: "exec" }] } },
    ],
    ["it has a group that is called web, and not blog", { group: { Name: "web" } }],
    ["it has a service that is called blog-web, and not blog", { service: { Name: "blog-web" } }],
    ["it has a service that is not in Consul", { service: { Provider: "nomad" } }],
    ["it has a service of Consul Connect", { service: { Connect: { SidecarService: {} } } }],
    ["it has a port that is called web, and not http", { group: { Networks: [{ DynamicPorts: [{ Label: "web" }] }] } }],
    [
      "it has a static port, of which there is one for all instances",
      { group: { Networks: [{ ReservedPorts: [{ Label: "http", Value: 80 }] }] } },
    ],
    [
      "it has a network of another kind than the node's own",
      { group: { Networks: [{ Mode: "bridge", DynamicPorts: [{ Label: "http", To: 80 }] }] } },
    ],
    [
      "it has no plain HTTP check by which Steppe would know it well",
      { service: { Checks: [knownCheck({ Type: "http", Path: "/", Protocol: "https" })] } },
    ],
    ...[
      { Header: { Host: ["blog.test"], Authorization: ["Basic eDp5"] } },
      { CheckRestart: { Limit: 3 } },
      { OnUpdate: "ignore" },
      { FailuresBeforeCritical: 2 },
      { AddressMode: "driver" },
    ].map((more): [string, KnownJob] => [
      "it has no plain HTTP check by which Steppe would know it well",
      { service: { Checks: [knownCheck({ Type: "http", Path: "/", ...more })] } },
    ]),
    ...[
      { Type: "script", Command: "/up" },
      { Type: "tcp", TaskName: "web" },
      { Type: "tcp", AddressMode: "driver" },
    ].map((more): [string, KnownJob] => [
      "it has a check that runs in its task, or at the address of it",
      { service: { Checks: [knownCheck({ Type: "http", Path: "/" }), knownCheck(more)] } },
    ]),
    ["it has a service at the address of its task", { service: null, task: { Services: [ofTask] } }],
    ["it has cores of its own", { task: { Resources: { Cores: 2, MemoryMB: 32 } } }],
    ["it has no tag that routes a whole host", { service: { Tags: ["urlprefix-example.test/blog strip=/blog"] } }],
  ])("since %s", async (why, known) => {
    const { notes } = await kept(known);
    expect(notes[0]).toBe(`It is kept as a jobspec, since ${why}.`);
  });

  test("with what its canaries have to say", async () => {
    const group = { Name: "web", Update: { Canary: 1, AutoPromote: false } };
    const one = await adopt({ group });
    expect(one.definition.run).toEqual({ ...testDefinition("blog").run, promote: "manual" });
    expect(one.notes).toContain(
      'Canaries have visitors before they have proved healthy, by the tags of `blog`: let its `CanaryTags` be others than routes, such as `["canary"]`.',
    );
    const other = await adopt({
      group: { ...group, Update: { Canary: 1, AutoPromote: true } },
      service: { CanaryTags: ["canary"] },
    });
    expect(other.definition.run.promote).toBe("auto");
    expect(other.notes).toHaveLength(2);
  });

  test("since it is not called as the app", async () => {
    const { notes } = await kept({
      id: "Blog_2",
      task: { Config: { image: "team/blog:v5" } },
      service: { Tags: ["urlprefix-b.test/"] },
    });
    expect(notes[0]).toBe("It is kept as a jobspec, since it is not called blog.");
  });

  test("since the schema refuses a value", async () => {
    const { notes } = await kept({ task: { Env: { "not a name": "1" } } });
    expect(notes[0]).toMatch(/^It is kept as a jobspec, since .*not a name/);
  });
});

test("domains can be said, and have to be where no tag says one", async () => {
  expect((await adopt({ service: null }, ["a.test", "b.test"])).definition.domains).toEqual(["a.test", "b.test"]);
  expect(await refusal({ service: { Tags: [] } })).toEqual([
    "NOMAD_JOB_UNADOPTABLE",
    "none of its services has a tag that routes a host",
  ]);
});

test("what no app can be is refused", async () => {
  const why = async (known: KnownJob) => (await refusal(known))[1];
  expect(await why({ job: { Type: "batch" } })).toBe("it is of the type batch, and an app is a service");
  expect(await why({ job: { Periodic: { Spec: "@daily" } } })).toBe(
    "it is started again and again, and an app is a service",
  );
  expect(await why({ job: { Stop: true } })).toBe("it is stopped");
  expect(await why({ task: { Driver: "raw_exec", Config: { command: "/bin/serve" } } })).toBe(
    "none of its tasks runs an image of a registry",
  );
});

test("a domain that no app can have is told as such", async () => {
  await expect(adopt({}, ["not a domain"])).rejects.toMatchObject({ code: "DOMAIN_INVALID" });
});
