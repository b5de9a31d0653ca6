import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import { fakeNomad, type TestNomad } from "./fakes.ts";

/** What is not among the recordings, as Nomad's documentation has it: what was asked, and what came of it. */
async function asked(body: string, ask: (nomad: TestNomad["nomad"]) => Promise<unknown>) {
  await using fake = await fakeNomad((_, response) => response.setHeader("x-nomad-index", "7").end(body));
  const result = await ask(fake.nomad);
  const [{ method, target, body: sent } = { method: "", target: "", body: Buffer.alloc(0) }] = fake.seen;
  return { request: `${method} ${target}`, sent: sent.toString(), result };
}

describe("as it is documented", () => {
  test("servers are members", async () => {
    const member = {
      Name: "bacon-mac.global",
      Addr: "127.0.0.1",
      Port: 4648,
      Tags: { role: "nomad", region: "global", dc: "dc1", build: "1.6.10", vsn: "1", port: "4647" },
      Status: "alive",
    };
    const body = JSON.stringify({
      ServerName: "bacon-mac",
      ServerRegion: "global",
      ServerDC: "dc1",
      Members: [member],
    });
    expect(await asked(body, ({ agent }) => agent.members())).toMatchObject({
      request: "GET /v1/agent/members",
      result: [
        {
          name: "bacon-mac.global",
          address: "127.0.0.1",
          status: "alive",
          region: "global",
          datacenter: "dc1",
          build: "1.6.10",
        },
      ],
    });
    expect(await asked('{"Members":null}', ({ agent }) => agent.members())).toMatchObject({ result: [] });
  });

  test("an agent of 1.7 names its Consuls in a list, and one without any none", async () => {
    const self = (consul: object): string =>
      JSON.stringify({
        config: { ...consul, Version: { Version: "1.7.0" }, Server: { Enabled: true, EnableEventBroker: false } },
      });
    const { result } = await asked(self({ Consuls: [{ Addr: "10.0.0.1:8500" }] }), ({ agent }) => agent.self());
    expect(result).toMatchObject({
      consulAddress: "10.0.0.1:8500",
      name: "",
      isClient: false,
      hasAcl: false,
      eventBufferSize: undefined,
    });
    expect(await asked(self({ Consul: { Addr: "" } }), ({ agent }) => agent.self())).toMatchObject({
      result: { consulAddress: undefined },
    });
  });

  test("namespaces are listed", async () => {
    const body =
      '[{"Name":"default","Description":"Default shared namespace","CreateIndex":1,"ModifyIndex":1},{"Name":"a"}]';
    expect(await asked(body, ({ namespaces }) => namespaces.list())).toMatchObject({
      request: "GET /v1/namespaces",
      result: {
        index: 7n,
        value: [
          { name: "default", description: "Default shared namespace" },
          { name: "a", description: "" },
        ],
      },
    });
  });

  test("allocations and evaluations of all jobs are one list, of all namespaces if that is wanted", async () => {
    const allocations = recording("nomad", "30-evaluation-allocations-v1").response.bodyJson;
    const options = { namespace: "*", index: 6n, waitMs: 250, tasks: false };
    const listed = await asked(allocations, (nomad) => nomad.allocations.list(options));
    expect(listed.request).toBe("GET /v1/allocations?index=6&wait=250ms&namespace=*&task_states=false");
    expect(listed.result).toMatchObject({ index: 7n, value: [{ jobId: "web" }, { jobId: "web" }] });
    const evaluations = recording("nomad", "34-job-evaluations").response.bodyJson;
    const { request, result } = await asked(evaluations, (nomad) => nomad.evaluations.list());
    expect([request, result]).toMatchObject(["GET /v1/evaluations", { value: [{ jobId: "web" }, { jobId: "web" }] }]);
  });

  test("a job of a list has its meta where that is asked for", async () => {
    const [item] = recording("nomad", "38-jobs").response.body as [Record<string, unknown>];
    const text = recording("nomad", "38-jobs").response.bodyJson.replace(
      '"ID":"web"',
      '"Meta":{"steppe":"1"},"ID":"web"',
    );
    expect(item).toBeDefined();
    const { request, result } = await asked(text, ({ jobs }) => jobs.list({ meta: true }));
    expect([request, result]).toMatchObject([
      "GET /v1/jobs?meta=true",
      { value: [{ id: "web", meta: { steppe: "1" } }] },
    ]);
  });

  test("groups are promoted by themselves, and tasks are sent signals", async () => {
    const change = '{"EvalID":"","DeploymentModifyIndex":9,"RevertedJobVersion":null}';
    expect(await asked(change, ({ deployments }) => deployments.promote("d", { groups: ["web"] }))).toMatchObject({
      request: "POST /v1/deployment/promote/d",
      sent: '{"DeploymentID":"d","Groups":["web"]}',
      result: { evaluationId: undefined, deploymentModifyIndex: 9n },
    });
    expect(await asked("{}", ({ allocations }) => allocations.signal("a", "SIGHUP", { task: "t" }))).toMatchObject({
      request: "PUT /v1/client/allocation/a/signal",
      sent: '{"Signal":"SIGHUP","Task":"t"}',
    });
    expect(await asked("{}", ({ allocations }) => allocations.restart("a"))).toMatchObject({ sent: "{}" });
  });

  test("ports of a task's own network, as old jobs have them, are found as well", async () => {
    const { body } = recording("nomad", "41-allocation").response;
    const network = {
      IP: "10.0.0.5",
      ReservedPorts: [{ Label: "admin", Value: 8080 }],
      DynamicPorts: [{ Label: "http", Value: 23_456, To: 80 }],
    };
    const resources = { Shared: { Ports: null }, Tasks: { httpd: { Networks: [network] } } };
    const text = JSON.stringify({ ...(body as object), AllocatedResources: resources }, (_key, value: unknown) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    expect(await asked(text, ({ allocations }) => allocations.read("a"))).toMatchObject({
      result: {
        value: {
          ports: [
            { label: "admin", address: "10.0.0.5", port: 8080, to: 0 },
            { label: "http", address: "10.0.0.5", port: 23_456, to: 80 },
          ],
        },
      },
    });
  });
});
