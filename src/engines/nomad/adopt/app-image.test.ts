import { describe, expect, test } from "vitest";
import type { GroupSpec, ServiceSpec, TaskSpec } from "../../../nomad-api/index.ts";
import { fault } from "../../../../test/support/fault.ts";
import { appImage } from "./app-image.ts";

const task = (image: string, parts: Partial<TaskSpec> = {}): TaskSpec => ({
  Name: image.replace(/:.*/, ""),
  Driver: "docker",
  Config: { image },
  ...parts,
});
const service = (name: string, tags: string[] = [], PortLabel = "http"): ServiceSpec => ({
  Name: name,
  PortLabel,
  Tags: tags,
});
const group = (name: string, Tasks: TaskSpec[], Services: ServiceSpec[] | null = null): GroupSpec => ({
  Name: name,
  Tasks,
  Services,
});
const routes = ["urlprefix-blog.test/"];
const found = (groups: GroupSpec[], prefix?: string) => {
  const { repository, others } = appImage({ ID: "blog", TaskGroups: groups }, prefix);
  return [repository, ...others].map((one) => one.replace("docker.io/library/", ""));
};

describe("of several images, the app's is the one that answers visitors", () => {
  test("in a group whose service has a route, and not the one that comes first", () => {
    const redis = group("redis", [task("redis:7")], [service("redis")]);
    expect(found([redis, group("blog", [task("blog:1")], [service("blog", routes)])])).toEqual(["blog", "redis"]);
    expect(
      found([redis, group("blog", [task("blog:1", { Services: [service("blog", ["lb-b.test/"])] })])], "lb-"),
    ).toEqual(["blog", "redis"]);
  });

  test("and not what is started before it or runs beside it", () => {
    const aside = [
      task("init:1", { Lifecycle: { Hook: "prestart" } }),
      task("fluent-bit:2", { Lifecycle: { Hook: "prestart", Sidecar: true } }),
    ];
    expect(found([group("blog", [...aside, task("blog:1", { Lifecycle: null })], [service("blog", routes)])])).toEqual([
      "blog",
      "init",
      "fluent-bit",
    ]);
  });

  test("and has the port of the service", () => {
    const tasks = [
      task("exporter:1", { Config: { image: "exporter:1", ports: ["metrics"] } }),
      task("blog:1", { Config: { image: "blog:1", ports: ["http"] } }),
    ];
    const services = [service("blog", routes), service("blog-metrics", [], "metrics")];
    expect(found([group("blog", tasks, services)])).toEqual(["blog", "exporter"]);
  });

  test("or that its service names", () => {
    const services = [{ ...service("blog", routes), TaskName: "blog" }];
    expect(found([group("blog", [task("exporter:1"), task("blog:1")], services)])).toEqual(["blog", "exporter"]);
  });
});

test("several tasks may run the one", () => {
  expect(found([group("a", [task("blog:1")]), group("b", [task("blog:2")], [service("blog", routes)])])).toEqual([
    "blog",
  ]);
});

test("which it is has to be clear", () => {
  expect(fault(() => found([group("blog", [task("a:1"), task("b:1")], [service("blog", routes)])]))).toMatchObject({
    code: "NOMAD_JOB_UNADOPTABLE",
    reason: "it cannot be told which image is the app's: docker.io/library/a, docker.io/library/b",
  });
});
