import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import { replay } from "../../test/support/replay.ts";
import { summaryOf } from "./check.ts";
import type { Consul } from "./consul.ts";
import { testConsul } from "./fakes.ts";

/** What Consul said of a cluster on which Nomad ran an app. */
async function told<Value>(files: readonly string[], ask: (consul: Consul) => Promise<Value>): Promise<Value> {
  await using server = await replay("consul", files);
  await using client = testConsul({ CONSUL_HTTP_ADDR: server.address });
  return await ask(client.consul);
}

describe("a service of Nomad's", () => {
  test("is in the catalog with all that its job says", async () => {
    const { index, value } = await told(["08-catalog-services-web"], ({ catalog }) => catalog.services());
    expect(index).toBe(35n);
    expect(value.get("web")).toEqual(["urlprefix-example.test/", "metrics"]);

    const instances = await told(["09-catalog-service-web"], ({ catalog }) => catalog.service("web"));
    expect(instances.value).not.toEqual([]);
    expect(instances.value[0]).toMatchObject({
      name: "web",
      address: "127.0.0.1",
      port: 26182,
      node: "vm",
      tags: ["urlprefix-example.test/", "metrics"],
      meta: { version: "1" },
      createIndex: 33n,
    });
    const tagged = await told(["10-catalog-service-web-tag"], ({ catalog }) =>
      catalog.service("web", { tag: "metrics" }),
    );
    expect(tagged.value).toEqual(instances.value);
  });

  test("has its own checks and those of its node", async () => {
    const { index, value } = await told(["11-health-service-web"], ({ health }) => health.service("web"));
    expect(index).toBe(38n);
    expect(value.map(({ status }) => status)).toEqual(value.map(() => "passing"));
    expect(value[0]?.checks.map(({ name }) => name)).toEqual(["Serf Health Status", "web alive"]);
    expect(value[0]?.instance).toMatchObject({ name: "web", port: 26182 });

    const passing = await told(["12-health-service-web-passing"], ({ health }) =>
      health.service("web", { passing: true }),
    );
    expect(passing.value).toHaveLength(value.length);
    const filter = 'Service.Meta.version == "1"';
    const filtered = await told(["17-health-service-web-filter"], ({ health }) => health.service("web", { filter }));
    expect(filtered.value).toHaveLength(value.length);
  });

  test("has canaries beside it, which have tags of their own", async () => {
    const { value } = await told(["18-health-service-web-canary"], ({ health }) => health.service("web"));
    const canaries = value.filter(({ instance }) => instance.tags.includes("canary"));
    expect(canaries.map(({ instance }) => instance.meta["version"])).toEqual(["2-canary"]);
  });

  test("has its checks among those of the service, the cluster and the agent", async () => {
    const checks = await told(["13-health-checks-web"], ({ health }) => health.checks("web"));
    expect(checks.value.map(({ name }) => name)).toContain("web alive");
    const all = await told(["14-health-state-any"], ({ health }) => health.state("any"));
    const ids = all.value.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(checks.value.map(({ id }) => id)));
    const ofAgent = await told(["16-agent-checks"], ({ agent }) => agent.checks());
    expect([...ofAgent.keys()].filter((id) => !ids.includes(id))).toEqual([]);
    const services = await told(["15-agent-services"], ({ agent }) => agent.services());
    expect([...services.values()].map(({ name }) => name)).toEqual(expect.arrayContaining(["web", "nomad", "fabio"]));
  });
});

describe("a blocking query, as Consul answers it:", () => {
  test("a key that changes, one that nobody writes, one that is missing, one that is deleted", async () => {
    const key = (name: string, index: bigint, waitMs: number) => (consul: Consul) =>
      consul.kv.get(name, { index, waitMs });
    const changed = await told(["54-kv-blocking-change"], key("t/a", 302n, 30_000));
    expect(changed).toMatchObject({ index: 311n, value: { value: Buffer.from("changed") } });
    const unrelated = await told(["55-kv-blocking-unrelated"], key("t/a", 311n, 3000));
    expect(unrelated.index).toBe(311n);
    const missing = await told(["56-kv-blocking-missing-key-unrelated"], key("t/nokey", 312n, 3000));
    expect(missing).toEqual({ index: 312n, value: undefined });
    const deleted = await told(["58-kv-blocking-key-deleted"], key("t/a", 311n, 10_000));
    expect(deleted).toEqual({ index: 319n, value: undefined });
  });

  test("keys below a folder, of which one is deleted", async () => {
    const { index, value } = await told(["57-kv-blocking-recurse-delete"], ({ kv }) =>
      kv.list("t/", { index: 311n, waitMs: 10_000 }),
    );
    expect(index).toBe(318n);
    expect(value.map(({ key }) => key)).not.toContain("t/empty/none");
  });

  test("a check that fails", async () => {
    const { index, value } = await told(["92-health-service-blocking-fail"], ({ health }) =>
      health.service("manual", { index: 343n, waitMs: 30_000 }),
    );
    expect(index).toBe(344n);
    expect(value.map(({ status }) => status)).toEqual(["critical"]);
  });
});

test("the image tag of the old deployer is a key like any other", async () => {
  const { value } = await told(["24-kv-get-image-tag"], ({ kv }) => kv.get("configs/foo/IMAGE_TAG"));
  expect(value).toMatchObject({ value: Buffer.from("v1"), createIndex: 102n, modifyIndex: 118n });
});

test("an index of Consul's may be beyond what a number holds", () => {
  const { headers } = recording("consul", "100-event-list").response;
  const index = headers["X-Consul-Index"] ?? "";
  expect(String(Number(index))).not.toBe(index);
});

describe("checks come to", () => {
  test.for([
    [[], "passing"],
    [["a passing", "b warning"], "warning"],
    [["a warning", "b critical", "c passing"], "critical"],
    [["_service_maintenance:x critical", "b critical"], "maintenance"],
    [["_node_maintenance critical"], "maintenance"],
  ] as const)("%j: %s", ([checks, summary]) => {
    const read = checks
      .map((text) => text.split(" "))
      .map(([id = "", status]) => ({ id, status: status as "passing" }));
    expect(summaryOf(read)).toBe(summary);
  });
});
