import { describe, expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import type { JobSpec, ServiceSpec } from "../../../nomad-api/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { ownJob } from "./own-job.ts";

const settings = { datacenters: ["dc1"] };
const image = `sha256:${"a".repeat(64)}`;
const release: ReleaseSpec = {
  app: "blog",
  number: 7,
  image,
  definition: testDefinition("blog", { image: { repository: "registry.test:5000/team/blog", site: null } }),
};

function job(images: readonly string[], services: ServiceSpec[] = []): JobSpec {
  return {
    ID: "my-blog",
    Meta: { team: "web" },
    Affinities: null,
    TaskGroups: [
      {
        Name: "web",
        Services: services,
        Tasks: images.map((one, at) => ({
          Name: `task-${at}`,
          Driver: "docker",
          Config: { image: one, ports: ["http"] },
        })),
      },
    ],
  };
}

test("only the image and the meta are Steppe's", () => {
  const before = job(["redis:7", "registry.test:5000/team/blog:v1"]);
  const copy = structuredClone(before);
  const after = ownJob(before, release, settings);
  expect(before).toEqual(copy);
  expect(after).toEqual({
    ...copy,
    Meta: {
      team: "web",
      steppe_app: "blog",
      steppe_release: "7",
      steppe_image: image,
      steppe_definition: expect.any(String) as string,
    },
    TaskGroups: [
      {
        ...copy.TaskGroups?.[0],
        Tasks: [
          copy.TaskGroups?.[0]?.Tasks?.[0],
          {
            Name: "task-1",
            Driver: "docker",
            Config: { image: `registry.test:5000/team/blog@${image}`, ports: ["http"] },
          },
        ],
      },
    ],
  });
});

describe("where it is registered", () => {
  const blog = job(["registry.test:5000/team/blog"]);
  const made = (parts: Partial<JobSpec>, where: { namespace?: string; region?: string } = {}) => {
    const { Namespace, Region } = ownJob({ ...blog, ...parts }, release, { ...settings, ...where });
    return [Namespace, Region];
  };

  test("is where Steppe looks for it", () => {
    expect(made({})).toEqual([undefined, undefined]);
    // As Nomad gives what it parsed.
    expect(made({ Namespace: "default", Region: "global" }, { namespace: "web", region: "eu" })).toEqual(["web", "eu"]);
    expect(made({ Namespace: "web", Region: "eu" }, { namespace: "web" })).toEqual(["web", "eu"]);
  });
});

describe("an image is the app's, however it is written", () => {
  test.each([
    "registry.test:5000/team/blog",
    "Registry.test:5000/team/blog:v1",
    `registry.test:5000/team/blog:v1@sha256:${"b".repeat(64)}`,
    "registry.test:5000/team/blog:${NOMAD_META_tag}",
    "docker://registry.test:5000/team/blog:v1",
  ])("%s", (text) => {
    const tasks = ownJob(job([text]), release, settings).TaskGroups?.[0]?.Tasks;
    expect(tasks?.[0]?.Config?.["image"]).toBe(`registry.test:5000/team/blog@${image}`);
  });

  test.each(["team/blog", "registry.test/team/blog", "registry.test:5000/team/blog2", "registry.test:5000/team", ""])(
    "%s is not",
    (text) => {
      expect(fault(() => ownJob(job([text]), release, settings))).toMatchObject({
        code: "NOMAD_JOB_INVALID",
        reason: "no task of the job my-blog runs an image of registry.test:5000/team/blog",
      });
    },
  );
});

describe("its services' tags are checked", () => {
  const blog = "registry.test:5000/team/blog";

  test.each([{ Tags: ["urlprefix-"] }, { Tags: ["a"], CanaryTags: ["urlprefix-[/"] }])("%j", (service) => {
    expect(fault(() => ownJob(job([blog], [service]), release, settings)).code).toBe("ROUTE_TAG_INVALID");
    const inTask = job([blog]);
    const [task] = inTask.TaskGroups?.[0]?.Tasks ?? [];
    if (task !== undefined) task.Services = [service];
    expect(fault(() => ownJob(inTask, release, settings)).code).toBe("ROUTE_TAG_INVALID");
  });

  test("by the names that Nomad gives them", () => {
    const tags = ["urlprefix-blog.test/"];
    for (const Name of [undefined, "${JOB}-${TASKGROUP}", "${BASE}"]) {
      expect(() => ownJob(job([blog], [{ Name, Tags: tags }]), release, settings)).not.toThrow();
    }
    expect(fault(() => ownJob(job([blog], [{ Name: "${attr.x}", Tags: tags }]), release, settings)).reason).toContain(
      "the service's name `${attr.x}`",
    );
  });
});
