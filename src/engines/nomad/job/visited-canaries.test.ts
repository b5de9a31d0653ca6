import { expect, test } from "vitest";
import type { JobSpec, ServiceSpec, UpdateSpec } from "../../../nomad-api/index.ts";
import { visitedCanaries } from "./visited-canaries.ts";

const visited = (service: ServiceSpec, update: UpdateSpec, ofJob: UpdateSpec | null = null): string[] => {
  const job: JobSpec = {
    ID: "blog",
    Update: ofJob,
    TaskGroups: [{ Name: "web", Update: update, Services: [service] }],
  };
  return visitedCanaries(job, "urlprefix-");
};
const Tags = ["urlprefix-blog.test/"];

test("canaries have visitors at once where they have a route of their own, or the tags of all others", () => {
  expect(visited({ Name: "blog", Tags }, { Canary: 1 })).toEqual(["blog"]);
  expect(visited({ Name: "blog", Tags }, {}, { Canary: 1 })).toEqual(["blog"]);
  expect(visited({ Name: "blog", Tags, CanaryTags: ["a", "urlprefix-blog.test/ weight=0.1"] }, { Canary: 1 })).toEqual([
    "blog",
  ]);
});

test("and not where they have none, or there are none", () => {
  expect(visited({ Name: "blog", Tags, CanaryTags: ["canary"] }, { Canary: 1 })).toEqual([]);
  expect(visited({ Name: "blog", Tags: ["web"] }, { Canary: 1 })).toEqual([]);
  expect(visited({ Name: "blog", Tags }, { Canary: 0 }, { Canary: 1 })).toEqual([]);
});
