import { expect, test } from "vitest";
import { contract } from "../../test/support/contract.ts";
import { systemClock } from "../shared/clock.ts";
import type { Consul } from "./consul.ts";
import { openConsul } from "./open-consul.ts";
import { consulOptions } from "./options.ts";

interface Story extends AsyncDisposable {
  consul: Consul;
  real: boolean;
}

/** The real Consul if there is one, with nothing in it of what the story writes; else the recording of the story. */
async function begin(files: readonly string[]): Promise<Story> {
  const peer = await contract("consul", files);
  const consul = openConsul(consulOptions(peer.environment), { clock: systemClock });
  if (peer.real) await tidy(consul);
  return {
    consul,
    real: peer.real,
    [Symbol.asyncDispose]: async () => {
      if (peer.real) await tidy(consul);
      consul[Symbol.dispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}

async function tidy(consul: Consul): Promise<void> {
  await consul.kv.deleteTree("t/");
  await consul.agent.deregister("manual-1");
}

const text = (value: Buffer | undefined): string | undefined => value?.toString("utf8");

test("keys: what is missing, what is set, compare and set", async () => {
  await using story = await begin([
    "28-kv-get-missing",
    "29-kv-put",
    "30-kv-put-flags",
    "31-kv-put-cas0-exists",
    "32-kv-put-cas0-new",
    "33-kv-get",
    "34-kv-put-cas-good",
    "35-kv-put-cas-stale",
    "36-kv-put-same-value",
    "37-kv-get-after-same-put",
    "38-kv-get-raw",
    "39-kv-put-empty",
    "40-kv-get-empty",
    "41-kv-recurse",
    "42-kv-keys",
  ]);
  const { kv } = story.consul;
  const missing = await kv.get("t/a");
  expect(missing.value).toBeUndefined();
  expect(missing.index).toBeGreaterThan(0n);

  expect(await kv.put("t/a", "hello")).toBe(true);
  expect(await kv.put("t/f", "with flags", { flags: 42n })).toBe(true);
  expect(await kv.put("t/a", "x", { cas: 0n })).toBe(false);
  expect(await kv.put("t/new", "x", { cas: 0n })).toBe(true);

  const { value: first } = await kv.get("t/a");
  expect(first).toMatchObject({ key: "t/a", value: Buffer.from("hello"), flags: 0n, lockIndex: 0n });
  const cas = first?.modifyIndex ?? 0n;
  expect(await kv.put("t/a", "hello2", { cas })).toBe(true);
  expect(await kv.put("t/a", "hello3", { cas })).toBe(false);
  expect(await kv.put("t/a", "hello2")).toBe(true);

  const { value: second } = await kv.get("t/a");
  expect(second?.createIndex).toBe(first?.createIndex);
  expect(second?.modifyIndex).toBeGreaterThan(cas);
  expect(text((await kv.raw("t/a")).value)).toBe("hello2");

  expect(await kv.put("t/empty", "")).toBe(true);
  expect((await kv.get("t/empty")).value?.value).toEqual(Buffer.alloc(0));
  const { value: all } = await kv.list("t/");
  expect(all.map(({ key, value, flags }) => [key, text(value), flags])).toEqual([
    ["t/a", "hello2", 0n],
    ["t/empty", "", 0n],
    ["t/f", "with flags", 42n],
    ["t/new", "x", 0n],
  ]);
  expect((await kv.keys("t")).value).toEqual(["t/a", "t/empty", "t/f", "t/new"]);
});

test("keys: folders, odd names and bytes", async () => {
  await using story = await begin([
    "43-kv-keys-separator",
    "44-kv-recurse-missing",
    "45-kv-keys-missing",
    "46-kv-put-odd-key",
    "47-kv-get-odd-key",
    "51-kv-put-binary",
    "52-kv-get-binary",
  ]);
  const { kv } = story.consul;
  if (story.real) for (const key of ["t/a", "t/empty", "t/f", "t/new", "t/sub/x"]) await kv.put(key, "x");
  expect((await kv.keys("t/", { separator: "/" })).value).toEqual(["t/a", "t/empty", "t/f", "t/new", "t/sub/"]);
  const missing = await kv.list("none/");
  expect(missing.value).toEqual([]);
  expect(missing.index).toBeGreaterThan(0n);
  expect((await kv.keys("none/")).value).toEqual([]);

  const odd = "t/with space & ü/100%+é?x";
  expect(await kv.put(odd, "odd")).toBe(true);
  expect((await kv.get(odd)).value).toMatchObject({ key: odd, value: Buffer.from("odd") });
  const bytes = Buffer.from([0, 255, 1, 254]);
  expect(await kv.put("t/bin", bytes)).toBe(true);
  expect((await kv.get("t/bin")).value?.value).toEqual(bytes);
});

test("blocking queries: an index that is too high waits, and then says the one that is", async () => {
  await using story = await begin(["59-kv-blocking-index-too-high"]);
  const { kv } = story.consul;
  if (story.real) await kv.put("t/f", "with flags", { flags: 42n });
  const { index, value } = await kv.get("t/f", { index: 99_999_999n, waitMs: 2000 });
  expect(index).toBeGreaterThan(0n);
  expect(index).toBeLessThan(99_999_999n);
  expect(value).toMatchObject({ key: "t/f", flags: 42n });
});

test("blocking queries: a wait that ends answers with the same index", async () => {
  await using story = await begin(["33-kv-get", "37-kv-get-after-same-put", "53-kv-blocking-timeout"]);
  const { kv } = story.consul;
  if (story.real) await kv.put("t/a", "hello");
  expect((await kv.get("t/a")).value).toBeDefined();
  if (story.real) await kv.put("t/a", "hello2");
  const { index = 0n, value } = await kv.get("t/a");
  expect(await kv.get("t/a", { index, waitMs: 2000 })).toEqual({ index, value });
});

test("deleting: compare and set, what is missing, trees", async () => {
  await using story = await begin([
    "59-kv-blocking-index-too-high",
    "63-kv-delete-cas-stale",
    "64-kv-delete-cas-zero",
    "65-kv-delete-cas",
    "66-kv-delete-missing",
    "85-kv-delete-recurse",
  ]);
  const { kv } = story.consul;
  if (story.real) await kv.put("t/f", "x");
  const { value } = await kv.get("t/f", { index: 99_999_999n, waitMs: 2000 });
  const cas = value?.modifyIndex ?? 0n;
  expect(await kv.delete("t/f", { cas: cas - 1n })).toBe(false);
  expect(await kv.delete("t/f", { cas: 0n })).toBe(false);
  expect(await kv.delete("t/f", { cas })).toBe(true);
  expect(await kv.delete("t/f")).toBe(true);
  await kv.deleteTree("t/");
});

test("sessions and locks", async () => {
  await using story = await begin([
    "67-session-create",
    "68-kv-acquire",
    "69-kv-acquire-again",
    "70-kv-acquire-other",
    "71-kv-get-lock",
    "72-session-renew",
    "73-session-info",
    "75-kv-put-locked",
    "76-kv-release-other",
    "77-kv-release",
    "78-session-destroy",
    "79-session-renew-gone",
    "80-kv-acquire-bad-session",
  ]);
  const { kv, sessions } = story.consul;
  const deployer = { name: "deployer", ttlMs: 10_000, behavior: "delete", lockDelayMs: 1000 } as const;
  const mine = await sessions.create(deployer);
  const other = story.real ? await sessions.create(deployer) : "bc28782f-a736-217b-9570-093bb85d932c";
  expect(await kv.acquire("t/lock", "me", mine)).toBe(true);
  expect(await kv.acquire("t/lock", "me2", mine)).toBe(true);
  expect(await kv.acquire("t/lock", "other", other)).toBe(false);
  expect((await kv.get("t/lock")).value).toMatchObject({ session: mine, lockIndex: 1n, value: Buffer.from("me2") });
  expect(await sessions.renew(mine)).toMatchObject({ id: mine, name: "deployer" });
  expect(await sessions.read(mine)).toMatchObject({ id: mine });
  // A lock keeps nobody from writing.
  expect(await kv.put("t/lock", "overwritten")).toBe(true);
  expect(await kv.release("t/lock", "", other)).toBe(false);
  expect(await kv.release("t/lock", "done", mine)).toBe(true);
  await sessions.destroy(mine);
  expect(await sessions.renew(mine)).toBeUndefined();
  await expect(kv.acquire("t/lock", "x", mine)).rejects.toMatchObject({
    code: "CONSUL_REFUSED",
    subject: "t/lock",
    reason: expect.stringContaining(`invalid session "${mine}"`),
    hint: expect.stringContaining("The session is over"),
  });
  if (story.real) await sessions.destroy(other);
});

test("transactions: all or nothing", async () => {
  await using story = await begin([
    "81-txn-set",
    "82-txn-cas-conflict",
    "83-txn-check-not-exists",
    "84-txn-delete-tree",
  ]);
  const { consul } = story;
  const written = await consul.transaction([
    { verb: "set", key: "t/x1", value: "one" },
    { verb: "set", key: "t/x2", value: "two" },
    { verb: "get", key: "t/x1" },
  ]);
  if (!written.committed) throw new Error("nothing was written");
  expect(written.entries.map(({ key }) => key)).toEqual(["t/x1", "t/x2", "t/x1"]);
  expect(text(written.entries[2]?.value)).toBe("one");
  expect(
    await consul.transaction([
      { verb: "cas", key: "t/x1", value: "uno", index: 1n },
      { verb: "set", key: "t/x2", value: "dos" },
    ]),
  ).toEqual({ committed: false, errors: [{ operation: 0, what: 'failed to set key "t/x1", index is stale' }] });
  expect(await consul.transaction([{ verb: "check-not-exists", key: "t/x1" }])).toEqual({
    committed: false,
    errors: [{ operation: 0, what: 'key "t/x1" exists' }],
  });
  expect(await consul.transaction([{ verb: "delete-tree", key: "t/x" }])).toEqual({ committed: true, entries: [] });
});

test("an agent: a service, its check, maintenance", async () => {
  await using story = await begin([
    "86-agent-service-register",
    "87-health-service-ttl-critical",
    "89-agent-check-update",
    "90-health-service-passing-warning",
    "93-agent-service-maintenance",
    "94-health-service-maintenance",
    "95-agent-service-deregister",
    "96-agent-service-deregister-unknown",
  ]);
  const { agent, health } = story.consul;
  await agent.register({
    id: "manual-1",
    name: "manual",
    address: "127.0.0.1",
    port: 18080,
    tags: ["urlprefix-manual.test/", "urlprefix-manual.test/api strip=/api weight=0.5"],
    meta: { a: "b" },
    check: { kind: { ttlMs: 15_000 }, deregisterAfterMs: 60_000 },
  });
  const [registered] = (await health.service("manual")).value;
  expect(registered).toMatchObject({
    status: "critical",
    instance: { id: "manual-1", name: "manual", address: "127.0.0.1", port: 18080, meta: { a: "b" } },
  });
  expect(registered?.checks.map(({ id, type }) => [id, type])).toContainEqual(["service:manual-1", "ttl"]);
  await agent.reportCheck("service:manual-1", { status: "warning", output: "meh" });
  expect((await health.service("manual", { passing: true })).value).toEqual([]);
  await agent.maintenance("manual-1", { enable: true, reason: "deploy" });
  const [maintained] = (await health.service("manual")).value;
  expect(maintained?.status).toBe("maintenance");
  await agent.deregister("manual-1");
  await agent.deregister("nope");
});

test("the cluster: leader, datacenters, nodes, services", async () => {
  await using story = await begin([
    "01-status-leader",
    "02-agent-self",
    "03-catalog-services",
    "04-catalog-datacenters",
    "05-catalog-nodes",
  ]);
  const { agent, catalog, status } = story.consul;
  expect(await status.leader()).toMatch(/^.+:\d+$/);
  const self = await agent.self();
  expect(self).toMatchObject({ isServer: true, version: expect.stringMatching(/^1\.\d+\.\d+/), aclsEnabled: false });
  const services = await catalog.services();
  expect(services.index).toBeGreaterThan(0n);
  expect(services.value.get("consul")).toEqual([]);
  expect(await catalog.datacenters()).toContain(self.datacenter);
  const { value: nodes } = await catalog.nodes();
  expect(nodes.map(({ name }) => name)).toContain(self.nodeName);
});

test("a service that nobody has", async () => {
  await using story = await begin(["06-catalog-service-not-found"]);
  const { catalog } = story.consul;
  const registered = await catalog.service("nope");
  expect(registered.value).toEqual([]);
  expect(registered.index).toBeGreaterThan(0n);
});
