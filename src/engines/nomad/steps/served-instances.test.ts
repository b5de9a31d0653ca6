import { describe, expect, test } from "vitest";
import { testInstance } from "../../../../test/support/cluster-things.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import type { ServiceHealth } from "../../../consul/index.ts";
import { HANDOVER_KEY } from "./stand-in.ts";
import {
  addressOf,
  areAllFound,
  instancesOf,
  isOfAny,
  isServed,
  readableInstances,
  visitedServices,
} from "./served-instances.ts";

function registered(allocation: string, name = "blog", change: Partial<ServiceHealth["instance"]> = {}): ServiceHealth {
  const id = `_nomad-task-${allocation}-group-web-${name}-http`;
  const place = { address: "10.0.0.1", port: 8080, node: "node", createIndex: 1n, modifyIndex: 1n };
  return { instance: { id, name, tags: [], meta: {}, ...place, ...change }, checks: [], status: "passing" };
}

const service = (name: string, group: string, ...tags: string[]) => ({ name, group, tags, canaryTags: [] });

describe("whether Consul has all instances", () => {
  const [one, two] = [testInstance({ id: "one", group: "web" }), testInstance({ id: "two", group: "web" })];
  const worker = testInstance({ id: "three", group: "worker" });

  test("in every service of their group", () => {
    const services = [service("blog", "web"), service("admin", "web")];
    const all = [one, two].flatMap(({ id }) => [registered(id), registered(id, "admin")]);
    expect(areAllFound(services, [one, two], all)).toBe(true);
    for (const at of all.keys()) expect(areAllFound(services, [one, two], all.toSpliced(at, 1))).toBe(false);
  });

  test("whatever else the job has that is in no service", () => {
    expect(areAllFound([service("blog", "web")], [one, worker], [registered("one")])).toBe(true);
    expect(areAllFound([], [worker], [])).toBe(true);
  });

  test("and there is one at least", () => {
    expect(areAllFound([service("blog", "web")], [worker], [])).toBe(false);
  });
});

test("the services that visitors are sent to, or all if they are sent to none", () => {
  const spec = (tags: string[]) => ({
    ID: "blog",
    TaskGroups: [
      {
        Name: "web",
        Services: [
          { Name: "blog", Tags: tags },
          { Name: "metrics", Tags: ["metrics"] },
        ],
      },
    ],
  });
  const names = (tags: string[]): string[] => visitedServices(spec(tags), "urlprefix-").map(({ name }) => name);
  expect(names(["urlprefix-blog.test/"])).toEqual(["blog"]);
  expect(names(["plain"])).toEqual(["blog", "metrics"]);
});

test("of a group without instances nobody waits for a service", () => {
  const group = (Name: string, Count: number) => ({
    Name,
    Count,
    Services: [{ Name, Tags: ["urlprefix-blog.test/"] }],
  });
  const spec = { ID: "blog", TaskGroups: [group("web", 2), group("worker", 0)] };
  expect(visitedServices(spec, "urlprefix-").map(({ name }) => name)).toEqual(["web"]);
});

test("what stands in for an instance is none", async () => {
  const entry = ({ instance: { id, name, address, port, meta } }: ServiceHealth): object => ({
    Node: { Node: "node", Address: address },
    Service: { ID: id, Service: name, Address: address, Port: port, Meta: meta, CreateIndex: 1, ModifyIndex: 1 },
    Checks: [],
  });
  const all = [registered("one"), registered("two", "blog", { meta: { [HANDOVER_KEY]: "blog" } })];
  await using consul = await fakeConsul((_, response) => response.end(JSON.stringify(all.map(entry))));
  const found = await instancesOf({ consul: consul.consul }, ["blog", "blog"]);
  expect(found.map((one) => isOfAny(one, ["one"]))).toEqual([true]);
  expect(consul.seen).toHaveLength(1);
});

test("what the token may not read is not waited for", async () => {
  await using consul = await fakeConsul((_, response) => {
    response.setHeader("x-consul-results-filtered-by-acls", "true").end("[]");
  });
  expect(await instancesOf({ consul: consul.consul }, ["blog"])).toEqual([]);
  await expect(readableInstances({ consul: consul.consul }, ["blog"])).rejects.toMatchObject({
    code: "CONSUL_DENIED",
    subject: "blog",
    reason: "Consul has instances of it that the token may not read",
    hint: expect.stringContaining('`node_prefix "" { policy = "read" }`') as string,
  });
});

test.each<[status: ServiceHealth["status"], tags: string[], served: boolean]>([
  ["passing", ["urlprefix-blog.test/"], true],
  ["warning", [" urlprefix-blog.test/"], true],
  ["critical", ["urlprefix-blog.test/"], false],
  ["maintenance", ["urlprefix-blog.test/"], false],
  ["passing", ["canary"], false],
])("visitors are sent to one that is %s and has %j: %s", (status, tags, served) => {
  expect(isServed({ ...registered("one", "blog", { tags }), status }, "urlprefix-")).toBe(served);
});

test("an address is as Fabio has it", () => {
  expect(addressOf(registered("one"))).toBe("10.0.0.1:8080");
  expect(addressOf(registered("one", "blog", { address: "fd00::1" }))).toBe("[fd00::1]:8080");
});
