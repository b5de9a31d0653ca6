import { describe, expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
import { type Job, type JobSpec, nanoseconds } from "../../../nomad-api/index.ts";
import { jobSpec, KEY, keyedRelease } from "./fakes.ts";
import { readKeyedJob } from "./keyed-job.ts";
import { compatibleOf } from "./keyed-parts.ts";

const compatible = compatibleOf(keyedRelease(1, "v1"));

function read(spec: unknown, options = compatible, type = "service") {
  return readKeyedJob({ id: "blog", type, spec: spec as JobSpec } as unknown as Job, options);
}

const restart = (text: string | null): object => ({ EmbeddedTmpl: text, ChangeMode: "restart" });

/** A job of one group, whose tasks have these templates. */
function withTemplates(...templates: object[]): object {
  const tasks = templates.map((template, at) => ({ Name: `task-${at}`, Templates: [template] }));
  return { ID: "blog", TaskGroups: [{ Name: "web", Tasks: tasks }] };
}

test("the group, the task and the service that a tag has to do with", () => {
  const { groups, isSystem } = read(jobSpec(3));
  expect(isSystem).toBe(false);
  expect([...groups]).toEqual([["web", { count: 3, tasks: new Set(["server"]), services: ["blog"], settleMs: 1500 }]]);
});

test.each([
  ["in backquotes", restart(`{{ key \`${KEY}\` }}`)],
  ["of another datacenter", restart(`{{ keyOrDefault "${KEY}@dc2" "v1" }}`)],
  ["put together of parts", restart('{{ key (printf "configs/%s/IMAGE_TAG" "team/blog") }}')],
  ["in a file that its node fetches", { ...restart(null), SourcePath: "local/image.tpl" }],
  ["without a change_mode, which is restart", { EmbeddedTmpl: `{{ key "${KEY}" }}` }],
])("a key %s", (_, template) => {
  expect(read(withTemplates(template)).groups.get("web")?.tasks).toEqual(new Set(["task-0"]));
});

test("only the tasks that name the key, if any does, and no key that begins like it", () => {
  const spec = withTemplates(
    restart(`{{ key "${KEY}" }}`),
    restart(`{{ key "${KEY}_OLD" }}`),
    restart("{{ key (x) }}"),
  );
  expect(read(spec).groups.get("web")?.tasks).toEqual(new Set(["task-0"]));
});

test("what a task does before or after is waited for by nobody", () => {
  const template = restart(`{{ key "${KEY}" }}`);
  const tasks = [
    { Name: "before", Lifecycle: { Hook: "prestart" }, Templates: [template] },
    { Name: "beside", Lifecycle: { Hook: "prestart", Sidecar: true }, Templates: [template] },
    { Name: "server", Templates: [template] },
  ];
  const { groups } = read({ ID: "blog", TaskGroups: [{ Name: "web", Tasks: tasks }] });
  expect(groups.get("web")?.tasks).toEqual(new Set(["beside", "server"]));
});

test("a check that must fail several times tells of what was before for longer", () => {
  const check = { Interval: nanoseconds(10_000), Timeout: nanoseconds(2000), FailuresBeforeCritical: 2 };
  const spec = jobSpec(1);
  const [group] = spec.TaskGroups ?? [];
  if (group === undefined) throw new Error("the job has no group");
  group.Services = [{ Name: "${JOB}-${GROUP}", Checks: [check] }, { Name: "unchecked" }];
  expect(read(spec).groups.get("web")).toMatchObject({ services: ["blog-web"], settleMs: 32_000 });
});

describe("refuses a job in which a tag would do nothing, or nobody could see what", () => {
  const reason = (spec: unknown, options = compatible, type = "service"): string => {
    const error = fault(() => read(spec, options, type));
    expect(error.code).toBe("CONFIG_INVALID");
    return error.reason;
  };

  test.each([
    ["no template", { ID: "blog", TaskGroups: null }, `no template of it reads ${KEY}`],
    ["another key", withTemplates(restart("{{ env `X` }}")), `no template of it reads ${KEY}`],
    [
      "a template that restarts nothing",
      withTemplates({ EmbeddedTmpl: `{{ key "${KEY}" }}`, ChangeMode: "noop" }),
      "the template of its task task-0 has the change_mode noop",
    ],
  ])("%s", (_, spec, expected) => {
    expect(reason(spec)).toBe(expected);
  });

  test("a batch", () => {
    expect(reason(jobSpec(1), compatible, "batch")).toBe("it is of the type batch");
  });

  test("a service whose name only its node knows, unless it is said", () => {
    const spec = jobSpec(1);
    const service = spec.TaskGroups?.[0]?.Services?.[0];
    if (service) service.Name = "blog-${meta.zone}";
    expect(reason(spec)).toBe("its service is named blog-${meta.zone}, by what only its node knows");
    expect(read(spec, { ...compatible, service: "blog-a" }).groups.get("web")?.services).toEqual(["blog-a"]);
  });
});
