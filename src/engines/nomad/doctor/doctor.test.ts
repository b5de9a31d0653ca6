import { afterAll, describe, expect, test } from "vitest";
import { type Answerer, type FakeServer, fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import type { Environment } from "../../../shared/http-api/environment.ts";
import { examineEnvironment } from "./examine-environment.ts";
import { checkRegistries } from "./registry-checks.ts";
import type { DoctorReport } from "./report.ts";
import { SteppeError } from "../../../shared/errors.ts";

type Answers = Record<string, unknown>;

const node = {
  ID: "node-id-1",
  Name: "n1",
  Datacenter: "dc1",
  Status: "ready",
  SchedulingEligibility: "eligible",
  Drivers: { docker: { Detected: true, Healthy: true } },
  CreateIndex: 1,
  ModifyIndex: 2,
};
const attributes = { "driver.docker.version": "24.0.7", "consul.version": "1.16.3", "consul.datacenter": "dc1" };

const nomad: Answers = {
  "GET /v1/status/leader": "10.0.0.1:4647",
  "GET /v1/agent/self": {
    config: {
      Version: { Version: "1.6.5" },
      Region: "global",
      Datacenter: "dc1",
      Server: { Enabled: true },
      ACL: { Enabled: true },
      Consul: { Addr: "127.0.0.1:8500" },
    },
  },
  "GET /v1/nodes": [node],
  "GET /v1/node/node-id-1": { ...node, Attributes: attributes },
  "GET /v1/namespaces": [{ Name: "default", Description: "" }],
  "GET /v1/jobs": [],
  "GET /v1/allocations": [],
  "POST /v1/job/steppe-doctor/plan": { JobModifyIndex: 0 },
};

const tags = ["urlprefix-blog.test/"];
const instance = (service: string, own: string[], port: number) => ({
  Node: { Node: "n1", Address: "10.0.0.1" },
  Service: {
    ID: `${service}-${port}`,
    Service: service,
    Address: "10.0.0.1",
    Port: port,
    Tags: own,
    CreateIndex: 1,
    ModifyIndex: 1,
  },
  Checks: [],
});

const consul: Answers = {
  "GET /v1/status/leader": "10.0.0.1:8300",
  "GET /v1/agent/self": { Config: { Datacenter: "dc1", NodeName: "n1", Version: "1.16.3", Server: true } },
  "GET /v1/acl/token/self": { AccessorID: "accessor", Description: "steppe", Policies: [] },
  "POST /v1/internal/acl/authorize": [{ Allow: true }, { Allow: true }, { Allow: true }],
  "GET /v1/catalog/services": { consul: [], blog: tags },
  "GET /v1/health/service/blog": [instance("blog", tags, 20_000)],
};

const fabio: Answers = {
  "GET /api/version": "1.6.11",
  "GET /api/routes": [{ service: "blog", host: "blog.test", path: "/", dst: "http://10.0.0.1:20000/", weight: 1 }],
};

const servers: FakeServer[] = [];
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

/** Answers what is listed, by method and path; a number is a status. */
function answers(known: Answers): Answerer {
  return ({ method, target }, response) => {
    const answer = known[`${method} ${target.split("?")[0]}`];
    if (typeof answer === "number") response.writeHead(answer).end("Permission denied");
    else if (answer === undefined) response.writeHead(404).end("not found");
    else response.end(typeof answer === "string" && target.startsWith("/api/") ? answer : JSON.stringify(answer));
  };
}

async function examine(
  change: { nomad?: Answers; consul?: Answers; fabio?: Answers } = {},
  addresses?: string[],
): Promise<DoctorReport> {
  const start = async (known: Answers) => {
    const server = await fakeServer(answers(known));
    servers.push(server);
    return server.host;
  };
  const environment: Environment = {
    NOMAD_ADDR: `http://${await start({ ...nomad, ...change.nomad })}`,
    CONSUL_HTTP_ADDR: await start({ ...consul, ...change.consul }),
  };
  const address = `http://${await start({ ...fabio, ...change.fabio })}`;
  return await examineEnvironment(environment, {
    fabio: addresses ?? [address],
    clock: new ImpatientClock(),
    signal: AbortSignal.timeout(20_000),
  });
}

/** What is not well, without addresses. */
function troubles({ checks }: DoctorReport): string[] {
  return checks
    .filter(({ status }) => status !== "ok")
    .map(({ area, status, text }) => `${area} ${status}: ${text}`.replaceAll(/127\.0\.0\.1:\d+/g, "HOST"));
}

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
    expect(checks[0]?.text).toMatch(/^Nomad is not reached: 127\.0\.0\.1:1: /);
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

  test("that there is no such namespace", async () => {
    expect(troubles(await examine({ nomad: { "GET /v1/namespaces": [{ Name: "web" }] } }))).toEqual([
      "Nomad fail: there is no namespace default, or the token may not see it",
    ]);
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
      "Consul warn: the token steppe may not register services: a request may find nobody at the moment when a release takes over",
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

  test("that everybody may do everything", async () => {
    const server = await fakeServer(({ target }, response) => {
      if (target.startsWith("/v1/acl")) response.writeHead(401).end("ACL support disabled");
      else answers(consul)({ method: "GET", target, headers: {}, body: Buffer.alloc(0) }, response);
    });
    servers.push(server);
    const environment = { NOMAD_ADDR: "http://127.0.0.1:1", CONSUL_HTTP_ADDR: server.host };
    const options = { fabio: ["http://127.0.0.1:1"], clock: new ImpatientClock(), signal: AbortSignal.timeout(20_000) };
    const { checks } = await examineEnvironment(environment, options);
    expect(checks.filter(({ area }) => area === "Consul").map(({ status }) => status)).toEqual(["ok", "ok", "warn"]);
  });
});

describe("of Fabio and the services it is found", () => {
  test("that a tag of anybody's freezes the routes, and which are missing", async () => {
    const bad = ["urlprefix-bad.test/ weight=abc"];
    const found = await examine({
      consul: {
        "GET /v1/catalog/services": { blog: tags, bad },
        "GET /v1/health/service/bad": [instance("bad", bad, 20_001)],
      },
      fabio: { "GET /api/routes": null },
    });
    expect(troubles(found)).toEqual([
      "Fabio fail: Fabio at HOST does not send visitors of blog.test/ to blog at 10.0.0.1:20000",
      "services fail: service bad: its tag `urlprefix-bad.test/ weight=abc` has `weight=abc`, where `weight` is a share from 0 to 1, such as `weight=0.25`",
    ]);
  });

  test("routes to instances that Consul does not have any more", async () => {
    const old = { service: "blog", host: "blog.test", path: "/", dst: "http://10.0.0.1:19999/", weight: 0.5 };
    const found = await examine({ fabio: { "GET /api/routes": [...(fabio["GET /api/routes"] as object[]), old] } });
    expect(troubles(found)).toEqual([
      "Fabio fail: Fabio at HOST still sends visitors of blog.test/ to blog at 10.0.0.1:19999, which Consul does not have",
    ]);
  });

  test("routes that two services want", async () => {
    const found = await examine({
      consul: {
        "GET /v1/catalog/services": { blog: tags, other: tags },
        "GET /v1/health/service/other": [],
      },
    });
    expect(troubles(found)).toEqual(["services warn: the route blog.test/ is wanted by blog and other"]);
  });

  test("that Consul has none, or one that is not well", async () => {
    const sick = {
      ...instance("fabio", [], 9998),
      Checks: [{ CheckID: "c", Name: "c", Node: "n1", Status: "critical", Output: "connection\nrefused" }],
    };
    const of = (found: unknown[]) => examine({ consul: { "GET /v1/health/service/fabio": found } }, []);
    expect(troubles(await of([]))).toEqual(["Fabio fail: there is no Fabio: Consul has no service `fabio`"]);
    expect(troubles(await of([sick]))).toEqual([
      "Fabio fail: Fabio at 10.0.0.1:9998 is critical in Consul: connection refused",
    ]);
  });

  test("that Fabio is away", async () => {
    expect(troubles(await examine({ fabio: { "GET /api/version": 500 } }))).toEqual([
      expect.stringMatching(/^Fabio fail: Fabio at HOST: /),
    ]);
  });
});

test("registries: each repository once, with what is wrong with it", async () => {
  const apps = [
    { app: "blog", repository: "registry.test/blog" },
    { app: "shop", repository: "registry.test/shop" },
    { app: "copy", repository: "registry.test/blog" },
    { app: "away", repository: "away.test/away" },
  ];
  const look = {
    has: async (repository: string) => {
      if (!repository.startsWith("away")) return repository.endsWith("blog");
      throw new SteppeError("REGISTRY_UNREACHABLE", {
        operation: "ask",
        subject: repository,
        cause: "connection refused",
      });
    },
  };
  const { checks } = await checkRegistries(apps, look, AbortSignal.timeout(1000));
  expect(checks.map(({ status, text }) => `${status} ${text}`)).toEqual([
    "ok registry.test/blog, of blog, copy",
    "warn registry.test/shop, of shop: there is no image in it yet",
    "fail away.test/away, of away: connection refused",
  ]);
  expect((await checkRegistries([], look, AbortSignal.timeout(1000))).checks[0]?.status).toBe("ok");
});
