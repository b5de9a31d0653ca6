import { type Answerer, fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import type { Environment } from "../../../shared/http-api/environment.ts";
import { examineEnvironment } from "./examine-environment.ts";
import type { DoctorReport } from "./report.ts";

/** By method and path; a number is a status, and a function is asked each time. */
export type Answers = Record<string, unknown>;

export interface FakeCheck {
  id: string;
  status: string;
  output?: string;
}

export const node = {
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

export const nomad: Answers = {
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

export const tags = ["urlprefix-blog.test/"];
const passing: FakeCheck = { id: "check", status: "passing" };

/** An instance of a service in Consul, by itself with a check that passes. */
export const instance = (service: string, own: string[], port: number, checks: FakeCheck[] = [passing]) => ({
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
  Checks: checks.map(({ id, status, output = "" }) => ({
    CheckID: id,
    Name: id,
    Node: "n1",
    Status: status,
    Output: output,
    ServiceID: id === "serfHealth" ? "" : `${service}-${port}`,
  })),
});

export const consul: Answers = {
  "GET /v1/status/leader": "10.0.0.1:8300",
  "GET /v1/agent/self": { Config: { Datacenter: "dc1", NodeName: "n1", Version: "1.16.3", Server: true } },
  "GET /v1/acl/token/self": { AccessorID: "accessor", Description: "steppe", Policies: [] },
  "POST /v1/internal/acl/authorize": [{ Allow: true }, { Allow: true }, { Allow: true }],
  "GET /v1/catalog/services": { consul: [], blog: tags },
  "GET /v1/health/service/blog": [instance("blog", tags, 20_000)],
};

export const fabio: Answers = {
  "GET /api/version": "1.6.11",
  "GET /api/routes": [{ service: "blog", host: "blog.test", path: "/", dst: "http://10.0.0.1:20000/", weight: 1 }],
};

/** Answers what is listed. */
export function answers(known: Answers): Answerer {
  return ({ method, target }, response) => {
    const listed = known[`${method} ${target.split("?")[0]}`];
    const answer = typeof listed === "function" ? (listed as () => unknown)() : listed;
    if (typeof answer === "number") response.writeHead(answer).end("Permission denied");
    else if (answer === undefined) response.writeHead(404).end("not found");
    else response.end(typeof answer === "string" && target.startsWith("/api/") ? answer : JSON.stringify(answer));
  };
}

/** What the doctor says of a cluster that is well, but for what is changed. */
export async function examine(
  change: { nomad?: Answers; consul?: Answers; fabio?: Answers } = {},
  addresses?: string[],
  besides: Environment = {},
): Promise<DoctorReport> {
  await using ofNomad = await fakeServer(answers({ ...nomad, ...change.nomad }));
  await using ofConsul = await fakeServer(answers({ ...consul, ...change.consul }));
  await using ofFabio = await fakeServer(answers({ ...fabio, ...change.fabio }));
  const environment = { NOMAD_ADDR: `http://${ofNomad.host}`, CONSUL_HTTP_ADDR: ofConsul.host, ...besides };
  return await examineEnvironment(environment, {
    fabio: addresses ?? [`http://${ofFabio.host}`],
    clock: new ImpatientClock(),
    signal: AbortSignal.timeout(20_000),
  });
}

/** What is not well, without addresses. */
export function troubles({ checks }: DoctorReport): string[] {
  return checks
    .filter(({ status }) => status !== "ok")
    .map(({ area, status, text }) => `${area} ${status}: ${text}`.replaceAll(/127\.0\.0\.1:\d+/g, "HOST"));
}
