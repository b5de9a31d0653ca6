import { expect, test } from "vitest";
import type { JobSpec } from "../../../nomad-api/index.ts";
import { hasRoutes, servicesOf, withoutRoutes, withRoutesOf } from "./services-of.ts";

const job: JobSpec = {
  ID: "blog",
  TaskGroups: [
    {
      Name: "web",
      Services: [
        { Name: "blog", Tags: ["urlprefix-blog.test/", "metrics"], CanaryTags: ["canary"] },
        { Name: "inner", Provider: "nomad", Tags: ["urlprefix-no.test/"] },
      ],
      Tasks: [
        { Name: "app", Services: [{ Name: "${JOB}-${TASKGROUP}-${TASK}" }, { Tags: null }] },
        { Name: "side", Services: null },
      ],
    },
    { Name: "worker", Services: [{ Name: "${GROUP}-of-${JOB}-${OTHER}" }, {}], Tasks: null },
    { Name: "none" },
  ],
};

test("the services of a job are those of its groups and tasks that Consul has, under the names that they get there", () => {
  expect(servicesOf(job)).toEqual([
    { name: "blog", group: "web", tags: ["urlprefix-blog.test/", "metrics"], canaryTags: ["canary"] },
    { name: "blog-web-app", group: "web", tags: [], canaryTags: [] },
    { name: "blog-web-app", group: "web", tags: [], canaryTags: [] },
    { name: "worker-of-blog-${OTHER}", group: "worker", tags: [], canaryTags: [] },
    { name: "blog-worker", group: "worker", tags: [], canaryTags: [] },
  ]);
  expect(servicesOf({ ID: "blog", TaskGroups: null })).toEqual([]);
});

test("the job's name is in a service's name, and not its id", () => {
  const names = (Name: string | null) =>
    servicesOf({
      ID: "blog-7",
      Name,
      TaskGroups: [{ Name: "web", Services: [{}, { Name: "${BASE}" }, { Name: "${JOB}" }] }],
    }).map(({ name }) => name);
  expect(names("blog")).toEqual(["blog-web", "blog-web-group", "blog"]);
  expect([names(null), names("")]).toEqual([
    ["blog-7-web", "blog-7-web-group", "blog-7"],
    ["blog-7-web", "blog-7-web-group", "blog-7"],
  ]);
});

test("routes can be left out of a job, which stays as it is otherwise", () => {
  const before = structuredClone(job);
  const without = withoutRoutes(job, "urlprefix-");
  expect([hasRoutes(job, "urlprefix-"), hasRoutes(without, "urlprefix-")]).toEqual([true, false]);
  expect(servicesOf(without).map(({ tags }) => tags)).toEqual([["metrics"], [], [], [], []]);
  expect(servicesOf(without)[0]?.canaryTags).toEqual(["canary"]);
  expect(job).toEqual(before);
  expect(hasRoutes(job, "fabio-")).toBe(false);
});

test("routes can be put into a job as it was without them; whatever else it is made with by now is left out", () => {
  const registered = withoutRoutes(job, "urlprefix-");
  const [web, ...others] = structuredClone(job).TaskGroups ?? [];
  const made = { ...job, Priority: 70, TaskGroups: [{ ...web, Name: "web", Count: 9 }, ...others] };
  const routed = withRoutesOf(registered, made, "urlprefix-");
  expect(servicesOf(routed)).toEqual(servicesOf(job));
  expect([routed["Priority"], routed.TaskGroups?.[0]?.Count]).toEqual([undefined, undefined]);
  expect(servicesOf(registered)[0]?.tags).toEqual(["metrics"]);
  // Nomad's servers have put in what the names say.
  const [named] = structuredClone(registered).TaskGroups ?? [];
  const told = {
    ID: "blog",
    TaskGroups: [{ Name: "web", Services: [{ Name: "blog-of-web" }, ...(named?.Services ?? [])] }],
  };
  const spoken = { Name: "${JOB}-of-${GROUP}", Tags: ["urlprefix-a.test/"] };
  const routes = withRoutesOf(told, { ID: "blog", TaskGroups: [{ Name: "web", Services: [spoken] }] }, "urlprefix-");
  expect(servicesOf(routes).map(({ name, tags }) => [name, tags])).toEqual([
    ["blog-of-web", ["urlprefix-a.test/"]],
    ["blog", ["metrics"]],
  ]);
  // One that is not there under its name has no routes from elsewhere.
  expect(hasRoutes(withRoutesOf({ ...told, TaskGroups: [{ Name: "other" }] }, made, "urlprefix-"), "urlprefix-")).toBe(
    false,
  );
});
