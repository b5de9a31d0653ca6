import { expect, test } from "vitest";
import { fakeConsul } from "./fakes.ts";

const disabled = "ACL support disabled";

test("our token says who we are", async () => {
  const token = {
    AccessorID: "a1",
    SecretID: "s",
    Description: "steppe",
    Policies: [{ ID: "p1", Name: "kv" }],
    CreateIndex: 5,
  };
  await using fake = await fakeConsul((_, response) => response.end(JSON.stringify(token)));
  expect(await fake.consul.acl.ownToken()).toEqual({ accessorId: "a1", description: "steppe", policies: ["kv"] });
});

test("what it allows is asked without doing anything", async () => {
  await using fake = await fakeConsul(({ body }, response) => {
    const asked = JSON.parse(body.toString()) as Array<{ Segment: string }>;
    response.end(JSON.stringify(asked.map((one) => ({ ...one, Allow: one.Segment === "configs/" }))));
  });
  const allowed = await fake.consul.acl.allows([
    { resource: "key", access: "write", name: "configs/" },
    { resource: "service", access: "read", name: "web" },
  ]);
  expect(allowed).toEqual([true, false]);
  expect(fake.seen[0]).toMatchObject({ method: "POST", target: "/v1/internal/acl/authorize" });
});

test("without ACLs there is no token, and all is allowed", async () => {
  await using fake = await fakeConsul((_, response) => response.writeHead(401).end(disabled));
  expect(await fake.consul.acl.ownToken()).toBeUndefined();
  expect(await fake.consul.acl.allows([{ resource: "key", access: "write", name: "a" }])).toEqual([true]);
});

test("a token that does not exist is an error", async () => {
  await using fake = await fakeConsul((_, response) => response.writeHead(403).end("ACL not found"));
  await expect(fake.consul.acl.ownToken()).rejects.toMatchObject({ code: "CONSUL_DENIED" });
});

test("members are told with their state and version", async () => {
  const member = (Name: string, Status: number, Tags: object) => ({ Name, Addr: "10.0.0.1", Port: 8301, Status, Tags });
  const members = [
    member("a", 1, { role: "consul", build: "1.10.11:de95b6f5" }),
    member("b", 4, { role: "node" }),
    member("c", 9, {}),
  ];
  await using fake = await fakeConsul((_, response) => response.end(JSON.stringify(members)));
  expect(await fake.consul.agent.members()).toEqual([
    { name: "a", address: "10.0.0.1", state: "alive", isServer: true, version: "1.10.11" },
    { name: "b", address: "10.0.0.1", state: "failed", isServer: false, version: "" },
    { name: "c", address: "10.0.0.1", state: "unknown", isServer: false, version: "" },
  ]);
});
