import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
import { testDefinition, testRun } from "../../../../test/support/test-definition.ts";
import type { AppDefinition } from "../../../config/index.ts";
import { writeJson } from "../../../shared/json/write-json.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { makeJob } from "./make-job.ts";
import { makeNewJob } from "./make-new-job.ts";

const image = `sha256:${"a".repeat(64)}`;
const settings = { datacenters: ["dc1"] };

function release(change: Partial<AppDefinition> = {}, number = 7): ReleaseSpec {
  const repository = { repository: "registry.test:5000/team/blog", site: null };
  const domains = ["blog.test", "*.blog.test"];
  return { app: "blog", number, image, definition: testDefinition("blog", { domains, image: repository, ...change }) };
}
const withRun = (run: Partial<AppDefinition["run"]>): ReleaseSpec => release({ run: { ...testRun, ...run } });
const withNomad = (nomad: Partial<AppDefinition["nomad"]>): ReleaseSpec =>
  release({ nomad: { ...testDefinition("blog").nomad, ...nomad } });
/** As it goes to Nomad. */
const job = (spec: ReleaseSpec, attempt = 0): unknown => JSON.parse(writeJson(makeJob(spec, settings, attempt)));

test("an app that says nothing of its instances", () => {
  expect(job(release())).toEqual({
    ID: "blog",
    Name: "blog",
    Type: "service",
    Datacenters: ["dc1"],
    Meta: {
      steppe_app: "blog",
      steppe_release: "7",
      steppe_image: image,
      steppe_definition: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    },
    Constraints: [],
    Spreads: [],
    TaskGroups: [
      {
        Name: "blog",
        Count: 1,
        Update: {
          MaxParallel: 1,
          Canary: 1,
          HealthCheck: "checks",
          MinHealthyTime: 5_000_000_000,
          HealthyDeadline: 300_000_000_000,
          ProgressDeadline: 600_000_000_000,
          AutoRevert: true,
          AutoPromote: false,
        },
        Networks: [{ DynamicPorts: [{ Label: "http" }] }],
        ShutdownDelay: 2_000_000_000,
        Services: [
          {
            Name: "blog",
            Provider: "consul",
            PortLabel: "http",
            Tags: ["urlprefix-blog.test/", "urlprefix-*.blog.test/"],
            CanaryTags: ["canary"],
            Meta: { steppe_app: "blog", steppe_release: "7" },
            CanaryMeta: { steppe_app: "blog", steppe_release: "7" },
            Checks: [
              {
                Name: "blog answers",
                Type: "http",
                Method: "GET",
                Path: "/",
                Interval: 1_000_000_000,
                Timeout: 10_000_000_000,
                Header: { Host: ["blog.test"] },
              },
            ],
          },
        ],
        Tasks: [
          {
            Name: "blog",
            Driver: "docker",
            Config: { image: `registry.test:5000/team/blog@${image}`, ports: ["http"] },
            Env: {},
            Resources: { CPU: 100, MemoryMB: 128 },
          },
        ],
      },
    ],
  });
});

test("all that an app can say of its instances", () => {
  const spec = withRun({
    command: "serve",
    args: ["--quiet"],
    port: 8080,
    count: 3,
    cpu: 500,
    memory: 256,
    memoryMax: 512,
    metrics: "/metrics",
    env: { LOG: "info" },
    constraints: [
      { attribute: "${attr.cpu.arch}", operator: "=", value: "amd64" },
      { attribute: null, operator: "distinct_hosts", value: null },
    ],
    spread: ["${node.datacenter}"],
    promote: "manual",
    shutdownDelayMs: 500,
  });
  expect(job(spec)).toMatchObject({
    Constraints: [{ LTarget: "${attr.cpu.arch}", Operand: "=", RTarget: "amd64" }, { Operand: "distinct_hosts" }],
    Spreads: [{ Attribute: "${node.datacenter}", Weight: 50 }],
    TaskGroups: [
      {
        Count: 3,
        Update: { Canary: 3, MaxParallel: 3, AutoPromote: false, AutoRevert: true },
        Networks: [{ DynamicPorts: [{ Label: "http", To: 8080 }] }],
        ShutdownDelay: 500_000_000,
        Services: [{ CanaryTags: ["canary", "metrics"], Meta: { metrics_path: "/metrics" } }],
        Tasks: [
          {
            Config: { command: "serve", args: ["--quiet"] },
            Env: { LOG: "info" },
            Resources: { CPU: 500, MemoryMB: 256, MemoryMaxMB: 512 },
          },
        ],
      },
    ],
  });
});

test.each([
  ["exec" as const, { command: "local/app", args: ["x"] }],
  ["java" as const, { jar_path: "local/app", args: ["x"] }],
])("with the driver %s, it is no image that runs", (driver, config) => {
  const spec = withRun({ driver, command: "local/app", args: ["x"] });
  expect(job({ ...spec, definition: { ...spec.definition, image: null } })).toMatchObject({
    Meta: { steppe_image: image },
    TaskGroups: [{ Tasks: [{ Driver: driver, Config: config }] }],
  });
});

test("an image that is in no registry cannot be run", () => {
  const error = fault(() => makeJob(release({ image: null }), settings));
  expect(error).toMatchObject({
    code: "CONFIG_INVALID",
    reason: expect.stringContaining("it has no `image`") as string,
  });
});

test("every release's job is another, and so is the next try of one: Nomad makes no deployment of what is unchanged", () => {
  const texts = [job(release()), job(release({}, 8)), job(release(), 1), job(release(), 2)].map((one) =>
    JSON.stringify(one),
  );
  expect(new Set(texts).size).toBe(4);
  expect(job(release(), 1)).toEqual(job(release(), 1));
});

test("what a cluster is told besides", () => {
  const spec = makeJob(release(), { datacenters: ["a", "b"], namespace: "web", region: "eu", tagPrefix: "route-" });
  expect(spec).toMatchObject({ Datacenters: ["a", "b"], Namespace: "web", Region: "eu" });
  expect(spec.TaskGroups?.[0]?.Services?.[0]?.Tags).toEqual(["route-blog.test/", "route-*.blog.test/"]);
});

describe("what the app says to Nomad", () => {
  test("is put over each part", () => {
    const spec = withNomad({
      job: { Priority: 80, Meta: { team: "web" }, Constraints: [{ Operand: "distinct_hosts" }] },
      group: { RestartPolicy: { Attempts: 0 }, Update: { Canary: 0 } },
      task: { KillTimeout: 30_000_000_000, Config: { volumes: ["/srv:/srv"] }, Resources: { CPU: 900 } },
      service: { Tags: ["team-web"], Checks: [{ Type: "tcp" }] },
    });
    expect(job(spec)).toMatchObject({
      Priority: 80,
      Meta: { team: "web", steppe_app: "blog" },
      Constraints: [{ Operand: "distinct_hosts" }],
      TaskGroups: [
        {
          RestartPolicy: { Attempts: 0 },
          Update: { Canary: 0, AutoRevert: true },
          Services: [
            {
              Tags: ["urlprefix-blog.test/", "urlprefix-*.blog.test/", "team-web"],
              Checks: [{ Type: "http" }, { Type: "tcp" }],
            },
          ],
          Tasks: [
            {
              KillTimeout: 30_000_000_000,
              Config: { ports: ["http"], volumes: ["/srv:/srv"] },
              Resources: { CPU: 900, MemoryMB: 128 },
            },
          ],
        },
      ],
    });
  });

  test.each([
    [{ job: { ID: "x" } }, "nomad.job.ID is what Steppe says"],
    [{ job: { Namespace: "x" } }, "nomad.job.Namespace is what Steppe says"],
    [{ job: { Region: "x" } }, "nomad.job.Region is what Steppe says"],
    [{ job: { Stop: true } }, "nomad.job.Stop is what Steppe says"],
    [{ job: { Meta: { steppe_app: "x" } } }, "nomad.job.Meta.steppe_app is what Steppe says"],
    [{ job: { TaskGroups: [] } }, "nomad.job.TaskGroups is what Steppe says"],
    [{ task: { Config: { image: "x" } } }, "nomad.task.Config.image is what Steppe says"],
    [{ task: { Config: 5 } }, "nomad.task.Config should be a map"],
    [{ task: { Resources: { cpu: 5 } } }, "nomad.task.Resources.cpu is written `CPU`"],
    [{ group: { Networks: {} } }, "nomad.group.Networks should be a list"],
    [{ group: { Count: [3] } }, "nomad.group.Count should be one value"],
    [{ job: { Meta: null } }, "nomad.job.Meta holds what Steppe says, and cannot be taken away"],
    [{ task: { Config: null } }, "nomad.task.Config holds what Steppe says, and cannot be taken away"],
    [{ service: { Meta: null } }, "nomad.service.Meta holds what Steppe says, and cannot be taken away"],
    [{ service: { CanaryMeta: { steppe_app: "x" } } }, "nomad.service.CanaryMeta.steppe_app is what Steppe says"],
    [
      { service: { CanaryTags: null } },
      "nomad.service.CanaryTags is empty; canaries would have the routes of the other tags",
    ],
    [
      { service: { CanaryTags: ["urlprefix-blog.test/"] } },
      "nomad.service.CanaryTags has `urlprefix-blog.test/`; visitors would be sent to canaries that have not proved healthy",
    ],
    [{ service: { Tags: null } }, "nomad.service.Tags takes away the routes of the app's domains"],
    [{ service: { Checks: null } }, "nomad.service.Checks takes away the check by which an instance proves healthy"],
    [
      { group: { Update: { MaxParallel: 0 } } },
      "nomad.group.Update.MaxParallel is 0, so Nomad would replace instances without a deployment",
    ],
  ])("%j is a mistake", (nomad, reason) => {
    expect(fault(() => makeNewJob(withNomad(nomad), settings))).toMatchObject({ code: "CONFIG_INVALID", reason });
  });

  test("may have Nomad promote, but not where it knows too little", () => {
    const promoting = (change: Partial<AppDefinition> = {}, group: object = { Update: { AutoPromote: true } }) =>
      release({ ...change, nomad: { ...testDefinition("blog").nomad, group: { ...group } } });
    expect(job(promoting())).toMatchObject({ TaskGroups: [{ Update: { AutoPromote: true } }] });
    const why = (spec: ReleaseSpec) => fault(() => makeNewJob(spec, settings)).reason;
    expect(why(promoting({ run: { ...testRun, promote: "manual" } }))).toBe(
      "nomad.group.Update.AutoPromote is true, and `run.promote` is manual",
    );
    const check = { ...testDefinition("blog").check, contains: "hello" };
    expect(why(promoting({ check }))).toBe(
      "nomad.group.Update.AutoPromote is true, and the app's `check` is one that Nomad cannot make",
    );
  });

  test("that is refused of a new release is made again of a former one", () => {
    const made = makeJob(withNomad({ service: { Checks: null, CanaryTags: null } }), settings);
    expect(made.TaskGroups?.[0]?.Services?.[0]).not.toHaveProperty("Checks");
    expect(made.TaskGroups?.[0]?.Services?.[0]).not.toHaveProperty("CanaryTags");
    expect(fault(() => makeNewJob(withNomad({ group: { Count: 0 } }), settings))).toMatchObject({
      code: "NOMAD_JOB_INVALID",
      reason: "its group has `count = 0`",
    });
  });

  test("is checked for what Fabio would stumble over", () => {
    const error = fault(() => makeJob(withNomad({ service: { Tags: ['say "hi"'] } }), settings));
    expect(error.code).toBe("ROUTE_TAG_INVALID");
    expect(fault(() => makeJob(withNomad({ service: { CanaryTags: ["urlprefix-"] } }), settings)).code).toBe(
      "ROUTE_TAG_INVALID",
    );
  });
});

test("canaries never have a route, whatever the domains", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom("a.test", "*.a.test", "*"), { minLength: 1 }),
      fc.boolean(),
      (domains, metrics) => {
        const spec = release({ domains, run: { ...testRun, metrics: metrics ? "/metrics" : null } });
        const tags = makeJob(spec, settings).TaskGroups?.[0]?.Services?.[0]?.CanaryTags ?? [];
        expect(tags.length).toBeGreaterThan(0);
        expect(tags.filter((tag) => tag.startsWith("urlprefix-"))).toEqual([]);
      },
    ),
  );
});
