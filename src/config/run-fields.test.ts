import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { testDefinition, testRun } from "../../test/support/test-definition.ts";
import { readJobFiles } from "./job-file.ts";
import { type Config, parseConfig } from "./parse-config.ts";
import { parseDefinition } from "./parse-definition.ts";

const mistakes = (field: string): string => {
  const { reason, detail } = fault(() => parseConfig(`apps: {b: {domain: b.test, ${field}}}`, "steppe.yaml"));
  return detail ?? reason;
};
const runOf = (run: string): unknown => parseConfig(`apps: {b: {domain: b.test, run: ${run}}}`, "f").apps[0]?.run;

test("what is not said of instances is as by default", () => {
  expect(runOf("{}")).toEqual(testRun);
  expect(parseConfig("apps: {b: {domain: b.test}}", "f").apps[0]).toMatchObject({ run: testRun, nomad: { job: {} } });
});

test("all that can be said of instances", () => {
  const text = `{ driver: docker, command: serve, args: [--quiet], port: 8080, count: 3, cpu: 500, memory: 256, memoryMax: 512, metrics: /metrics,
    env: { LOG: info }, constraints: [{ attribute: "\${attr.cpu.arch}", value: amd64 }, { operator: distinct_hosts }],
    spread: "\${node.datacenter}", promote: manual, minHealthyTime: 0, healthyDeadline: 90s, shutdownDelay: 500ms }`;
  expect(runOf(text)).toEqual({
    driver: "docker",
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
    minHealthyMs: 0,
    healthyDeadlineMs: 90_000,
    shutdownDelayMs: 500,
  });
});

describe("mistakes are told with their place", () => {
  test.each([
    ["run: { driver: dokcer }", /apps\.b\.run\.driver is the text "dokcer" and should be docker or exec or java/],
    ["run: { cuont: 3 }", /apps\.b\.run\.cuont is not known; did you mean `count`\?/],
    ["run: { count: 0 }", /apps\.b\.run\.count is less than 1/],
    ["run: { port: 70000 }", /apps\.b\.run\.port is more than 65535/],
    ["run: { driver: exec }", /apps\.b\.run has no `command`, which the driver `exec` wants/],
    ["run: { driver: java, command: local/app.jar, port: 80 }", /apps\.b\.run\.port is there, but only in a container/],
    ["run: { metrics: metrics }", /apps\.b\.run\.metrics is no path, such as `\/metrics`/],
    ["run: { memory: 256, memoryMax: 128 }", /apps\.b\.run\.memoryMax is less than `memory`, 256/],
    ["run: { minHealthyTime: 1m, healthyDeadline: 1m }", /run\.healthyDeadline is no longer than `minHealthyTime`/],
    ["run: { env: { A: 1 } }", /run\.env\.A is the number 1 and should be a text; write "1", in quotes/],
    ["run: { constraints: [{ attribute: x }] }", /run\.constraints\[0\] has no `value`, which `=` wants/],
    ["run: { constraints: [{ operator: is_set }] }", /run\.constraints\[0\] has no `attribute`, which `is_set` wants/],
    ["run: { constraints: [{ attr: x }] }", /run\.constraints\[0\]\.attr is not known/],
    ["run: { shutdownDelay: 2 }", /run\.shutdownDelay is/],
    ["nomad: { Job: {} }", /apps\.b\.nomad\.Job is not known; did you mean `job`\?/],
    ["nomad: { task: { kill_timeout: 5 } }", /nomad\.task\.kill_timeout is no name of Nomad's JSON/],
    ["nomad: { task: { Config: .nan } }", /apps\.b\.nomad holds something that JSON cannot say/],
    [`nomad: { task: { Env: ${"x".repeat(70_000)} } }`, /apps\.b\.nomad is longer than 64 KiB/],
  ])("%.60s", (field, expected) => {
    expect(mistakes(field)).toMatch(expected);
  });
});

describe("a jobspec of one's own", () => {
  const job = 'job "blog" {}';
  const own = testDefinition("b", { image: { repository: "docker.io/a/b", site: null }, job });

  test("is text, or the file that it is in, kept as what is in it", async () => {
    await using folder = temporaryFolder();
    const read = (value: string): Promise<Config> =>
      readJobFiles(
        parseConfig(`apps: {b: {domain: b.test, image: a/b, job: ${JSON.stringify(value)}}}`, "f"),
        folder.path,
      );
    expect((await read(job)).apps[0]?.job).toBe(job);
    writeFileSync(folder.file("blog.nomad.hcl"), job);
    expect((await read("./blog.nomad.hcl")).apps[0]?.job).toBe(job);
    await expect(read("missing.hcl")).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      reason: "it is the `job` of b, and there is no such file",
    });
    writeFileSync(folder.file("blog.nomad.hcl"), "other.hcl");
    await expect(read("blog.nomad.hcl")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test.each([
    ["job: x.hcl", /apps\.b\.job is there without `image`/],
    ["image: a/b, job: x.hcl, run: { count: 2 }", /apps\.b\.run is there beside `job`.*\(apps\.b\.job at /],
    ["image: a/b, job: x.hcl, nomad: { job: {} }", /apps\.b\.nomad is there beside `job`/],
    ["image: a/b, job: ''", /apps\.b\.job is empty/],
  ])("%s is a mistake", (field, expected) => {
    expect(mistakes(field)).toMatch(expected);
  });

  test("says nothing of who lets its canaries take over", () => {
    const text = "apps: {b: {domain: b.test, image: a/b, job: x.hcl, run: { promote: manual }}}";
    expect(parseConfig(text, "f").apps[0]).toMatchObject({ job: "x.hcl", run: { ...testRun, promote: "manual" } });
    const manual = { ...own, run: { ...testRun, promote: "manual" as const } };
    expect(parseDefinition(manual)).toEqual(manual);
    const compatible = { job: "b", key: "k", service: null, webhook: null, minHealthyMs: 0, healthyDeadlineMs: 1000 };
    expect(fault(() => parseDefinition({ ...manual, job: null, compatible })).reason).toMatch(/^run is there beside/);
  });

  test.each([
    [{ image: null }, "job is there without `image`: which image of it is the app's"],
    [
      { run: { ...testRun, count: 2 } },
      "run is there beside `job`, which says all of it but `promote`; leave out one of the two",
    ],
    [{ nomad: { ...own.nomad, task: { User: "x" } } }, /^nomad is there beside `job`/],
    [{ job: "blog.hcl" }, "job is a path, and should be what is in that file"],
  ])("so it is in a definition: %j", (change, reason) => {
    expect(parseDefinition(own)).toEqual(own);
    expect(fault(() => parseDefinition({ ...own, ...change })).reason).toMatch(reason);
  });
});

test("a definition's own form is held to the same", () => {
  const definition = testDefinition("blog", { run: { ...testRun, memory: 256, memoryMax: 128 } });
  expect(fault(() => parseDefinition(definition)).reason).toBe("run.memoryMax is less than `memory`, 256");
  const { run, nomad, job, compatible, ...before } = testDefinition("blog");
  expect(parseDefinition(before)).toEqual({ ...before, run, nomad, job, compatible });
});
