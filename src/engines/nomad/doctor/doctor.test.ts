import { describe, expect, test } from "vitest";
import { fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import { fakeNomad } from "../../../nomad-api/fakes.ts";
import { examineEnvironment } from "./examine-environment.ts";
import { answers, consul, examine, node, nomad, troubles } from "./fakes.ts";
import { checkConsul } from "./consul-checks.ts";
import { checkNomad } from "./nomad-checks.ts";

describe("a cluster that is set up", () => {
  test("is well in all that is looked at", async () => {
    const report = await examine();
    expect(troubles(report)).toEqual([]);
    expect(report.checks.map(({ area, text }) => `${area}: ${text}`.replaceAll(/127\.0\.0\.1:\d+/g, "HOST"))).toEqual([
      "Nomad: Nomad 1.6.5 at http://HOST: a server, region global, datacenter dc1",
      "Nomad: it asks for tokens (ACLs are on)",
      "Nomad: the servers have a leader, 10.0.0.1:4647",
      "Nomad: 1 of 1 node is ready: n1",
      "Nomad: node n1: Docker 24.0.7",
      "Nomad: node n1: Consul 1.16.3, datacenter dc1",
      "Nomad: jobs of the namespace default may be listed, read and submitted",
      "Consul: Consul 1.16.3 at http://HOST: a server, datacenter dc1, node n1",
      "Consul: the servers have a leader, 10.0.0.1:8300",
      "Consul: the token steppe may read services and nodes, and register services",
      "Fabio: Fabio 1.6.11 at HOST",
      "Fabio: Fabio at HOST has the 1 route that Consul has, and no others",
      "services: the tags of 1 service are as Fabio reads them, and no route is wanted by two",
    ]);
  });
});

describe("of Nomad it is found", () => {
  test("that it is not there, and nothing else", async () => {
    const environment = { NOMAD_ADDR: "http://127.0.0.1:1", CONSUL_HTTP_ADDR: "127.0.0.1:1" };
    const options = { fabio: [], clock: new ImpatientClock(), signal: AbortSignal.timeout(20_000) };
    const { checks } = await examineEnvironment(environment, options);
    expect(checks.map(({ area, status }) => [area, status])).toEqual([
      ["Nomad", "fail"],
      ["Consul", "fail"],
    ]);
    expect(checks[0]?.text).toMatch(/^not reached: Nomad at 127\.0\.0\.1:1: /);
    expect(checks[0]?.hint).toMatch(/^Check NOMAD_ADDR/);
  });

  test("that it is too old, or newer than what was tried", async () => {
    const of = (Version: string) => ({
      "GET /v1/agent/self": { config: { Version: { Version }, ACL: { Enabled: true }, Consul: { Addr: "x" } } },
    });
    expect(troubles(await examine({ nomad: of("1.0.4") }))).toEqual([
      expect.stringMatching(/^Nomad fail: Nomad 1\.0\.4 .* is too old$/),
    ]);
    expect(troubles(await examine({ nomad: of("1.9.0") }))).toEqual([
      expect.stringMatching(/newer than what Steppe was tried with$/),
    ]);
    expect(troubles(await examine({ nomad: of("?") }))).toEqual([expect.stringMatching(/its version cannot be read$/)]);
  });

  test("that it wants a token of Consul, which Steppe may not have", async () => {
    const Consul = { Addr: "127.0.0.1:8500", AllowUnauthenticated: false };
    const config = { Version: { Version: "1.6.5" }, ACL: { Enabled: true }, Consul };
    const wanting = { nomad: { "GET /v1/agent/self": { config } } };
    expect(troubles(await examine(wanting))).toEqual([
      "Nomad fail: it wants a token of Consul with each job, and Steppe has none",
    ]);
    const { checks } = await examine(wanting, undefined, { CONSUL_HTTP_TOKEN: "secret" });
    expect(checks.filter(({ text }) => text.includes("token of Consul"))).toEqual([
      expect.objectContaining({ status: "ok", text: expect.stringContaining("Steppe gives it its own") }),
    ]);
  });

  test("which nodes take no instances, and what nodes lack", async () => {
    const down = { ...node, ID: "down", Name: "n2", Status: "down", StatusDescription: "missed heartbeat" };
    const bare = { ...node, ID: "bare", Name: "n3", Drivers: {} };
    const found = await examine({
      nomad: { "GET /v1/nodes": [node, down, bare], "GET /v1/node/bare": { ...bare, Attributes: {} } },
    });
    expect(troubles(found)).toEqual([
      "Nomad warn: node n2 takes no instances: it is down (missed heartbeat)",
      "Nomad warn: node n3 has no Docker",
      "Nomad fail: node n3 has no Consul",
    ]);
    expect(troubles(await examine({ nomad: { "GET /v1/nodes": [] } }))).toEqual([
      "Nomad fail: no node is ready for instances",
    ]);
  });

  test("what the token may not do, and which rule gives it that", async () => {
    const running = {
      ID: "alloc",
      Name: "a",
      JobID: "a",
      TaskGroup: "a",
      NodeID: "n",
      EvalID: "e",
      DesiredStatus: "run",
      ClientStatus: "running",
      TaskStates: { web: { State: "running", Failed: false } },
      CreateIndex: 1,
      ModifyIndex: 1,
    };
    const found = await examine({
      nomad: {
        "GET /v1/agent/self": 403,
        "GET /v1/nodes": 403,
        "GET /v1/allocations": [running],
        "POST /v1/job/steppe-doctor/plan": 403,
        "GET /v1/client/fs/logs/alloc": 403,
      },
    });
    expect(troubles(found)).toEqual([
      "Nomad warn: the token may not read the agent's configuration",
      "Nomad fail: the token may not list the nodes",
      "Nomad fail: the token may not submit jobs",
      "Nomad fail: the token may not read logs",
    ]);
    expect(found.checks.find(({ text }) => text.includes("submit"))?.hint).toContain('capabilities = ["submit-job"]');
  });

  test("that there is no such token as was given, and nothing of what that would be allowed", async () => {
    const denied = { "GET /v1/namespaces": 403, "GET /v1/nodes": 403, "GET /v1/jobs": 403 };
    expect(troubles(await examine({ nomad: denied }))).toEqual(["Nomad fail: it knows no such token as was given"]);
  });

  test("that there is no such namespace", async () => {
    expect(troubles(await examine({ nomad: { "GET /v1/namespaces": [{ Name: "web" }] } }))).toEqual([
      "Nomad fail: there is no namespace default, or the token may not see it",
    ]);
  });

  test("that a datacenter has no node, as one that is misspelled", async () => {
    const nodes = [node, { ...node, ID: "node-id-2", Datacenter: "dc2" }];
    await using fake = await fakeNomad(answers({ ...nomad, "GET /v1/nodes": nodes }));
    const look = async (...datacenters: string[]): Promise<string[]> => {
      const signal = AbortSignal.timeout(20_000);
      const asking = {
        nomad: fake.nomad,
        address: "",
        namespace: "default",
        datacenters,
        hasConsulToken: true,
        signal,
      };
      const { checks } = await checkNomad(asking);
      return checks.flatMap(({ status, text }) => (text.includes("datacenter dc") && status === "fail" ? [text] : []));
    };
    expect(await look()).toEqual([]);
    expect(await look("dc2", "dc1", "dc*", "*")).toEqual([]);
    expect(await look("dc1", "dc3")).toEqual(["no node of the datacenter dc3 is ready for instances"]);
  });

  test("that there is no leader", async () => {
    expect(troubles(await examine({ nomad: { "GET /v1/status/leader": "" } }))[0]).toBe(
      "Nomad fail: the servers have no leader",
    );
  });
});

describe("of Consul it is found", () => {
  test("what the token may not do", async () => {
    const found = await examine({
      consul: { "POST /v1/internal/acl/authorize": [{ Allow: false }, { Allow: true }, { Allow: false }] },
    });
    expect(troubles(found)).toEqual([
      "Consul fail: the token steppe may not read services",
      "Consul warn: the token steppe may not register services: a request may find nobody at the moment when a release takes over, and servers of Nomad with `allow_unauthenticated = false` take no job",
    ]);
  });

  test("that no token was given", async () => {
    const allows = [{ Allow: false }, { Allow: true }, { Allow: true }];
    const found = await examine({
      consul: { "GET /v1/acl/token/self": 403, "POST /v1/internal/acl/authorize": allows },
    });
    expect(troubles(found)).toEqual([
      "Consul fail: whoever has no token (set CONSUL_HTTP_TOKEN) may not read services",
    ]);
  });

  test("that there is no such token as was given", async () => {
    const denied = { "GET /v1/acl/token/self": 403, "POST /v1/internal/acl/authorize": 403 };
    const found = await examine({ consul: denied }, undefined, { CONSUL_HTTP_TOKEN: "0f0f" });
    expect(troubles(found)).toEqual(["Consul fail: it knows no such token as was given"]);
  });

  test("that the token may not write the keys of apps, however many there are", async () => {
    const asked: string[] = [];
    await using server = await fakeConsul((seen, response) => {
      if (seen.target !== "/v1/internal/acl/authorize") return answers(consul)(seen, response);
      const names = (JSON.parse(seen.body.toString()) as Array<{ Segment: string }>).map(({ Segment }) => Segment);
      asked.push(...names);
      response.end(JSON.stringify(names.map((name) => ({ Allow: name !== "configs/team/app69/IMAGE_TAG" }))));
    });
    const keys = Array.from({ length: 70 }, (_, at) => `configs/team/app${at}/IMAGE_TAG`);
    const signal = AbortSignal.timeout(20_000);
    const { checks } = await checkConsul(server.consul, { address: "", keys, signal });
    expect(checks.filter(({ status }) => status === "fail")).toEqual([
      expect.objectContaining({ text: "the token steppe may not write the key configs/team/app69/IMAGE_TAG" }),
    ]);
    expect(asked).toHaveLength(73);
  });

  test("that everybody may do everything", async () => {
    await using server = await fakeServer(({ target }, response) => {
      if (target.startsWith("/v1/acl")) response.writeHead(401).end("ACL support disabled");
      else answers(consul)({ method: "GET", target, headers: {}, body: Buffer.alloc(0) }, response);
    });
    const environment = { NOMAD_ADDR: "http://127.0.0.1:1", CONSUL_HTTP_ADDR: server.host };
    const options = { fabio: ["http://127.0.0.1:1"], clock: new ImpatientClock(), signal: AbortSignal.timeout(20_000) };
    const { checks } = await examineEnvironment(environment, options);
    expect(checks.filter(({ area }) => area === "Consul").map(({ status }) => status)).toEqual(["ok", "ok", "warn"]);
  });
});
