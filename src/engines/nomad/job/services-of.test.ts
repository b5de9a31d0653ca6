import { expect, test } from "vitest";
import type { JobSpec } from "../../../nomad-api/index.ts";
import { hasRoutes, servicesOf, withoutRoutes } from "./services-of.ts";

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
    { name: "blog-worker-group", group: "worker", tags: [], canaryTags: [] },
  ]);
  expect(servicesOf({ ID: "blog", TaskGroups: null })).toEqual([]);
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
