import { describe, expect, test } from "vitest";
import { type Answerer, fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock, whileTimePasses } from "../../../../test/support/impatient-clock.ts";
import { until } from "../../../../test/support/until.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import type { CheckSpec, JobSpec, ServiceSpec } from "../../../nomad-api/index.ts";
import { CheckProbe } from "./check-probe.ts";

const http: CheckSpec = { Type: "http", Path: "/ready", Header: { Host: ["blog.test", "more.test"], "X-Probe": [] } };

function jobOf(...services: ServiceSpec[]): JobSpec {
  return { ID: "blog", TaskGroups: [{ Name: "web", Services: services }] };
}

const blog = (...checks: CheckSpec[]): ServiceSpec => ({ Name: "blog", PortLabel: "http", Checks: checks });

/** What is known of the allocations `one` and `two`, of which Consul has the first at the server. */
async function probed(answer: Answerer, job: JobSpec, allocations: readonly string[] = ["one", "two"]) {
  await using server = await fakeServer(answer);
  const [address = "", port] = server.host.split(":");
  const service = { ID: "_nomad-task-one-group-web-blog-http", Service: "blog", Address: address, Port: Number(port) };
  const registered = {
    Node: { Node: "node", Address: "10.0.0.1" },
    Service: { ...service, CreateIndex: 1, ModifyIndex: 1 },
  };
  await using consul = await fakeConsul(({ target }, response) =>
    response.end(JSON.stringify(target.startsWith("/v1/health/service/blog") ? [{ ...registered, Checks: [] }] : [])),
  );
  const clock = new ImpatientClock();
  using probe = new CheckProbe({ consul: consul.consul, clock }, job);
  const probing = probe.wrongAnswers(allocations, new AbortController().signal);
  return { wrong: await whileTimePasses(clock, 100, probing), seen: server.seen, askedConsul: consul.seen.length };
}

const status =
  (code: number): Answerer =>
  (_, response) =>
    response.writeHead(code, { location: "http://127.0.0.1:1/" }).end();

describe("an instance that is asked what its check asks", () => {
  test.each([400, 404, 500, 502])("and answers %i is wrong", async (code) => {
    const { wrong, seen } = await probed(status(code), jobOf(blog(http)));
    expect([...wrong]).toEqual([["one", `GET /ready answered ${code}`]]);
    expect(seen.map(({ method, target, headers }) => [method, target, headers.host])).toEqual([
      ["GET", "/ready", "blog.test"],
    ]);
  });

  test.each([200, 204, 302, 429, 503])("and answers %i is not, or not for good", async (code) => {
    expect([...(await probed(status(code), jobOf(blog(http)))).wrong]).toEqual([]);
  });

  test("and does not answer, or breaks off, is not known to be", async () => {
    expect([...(await probed(() => {}, jobOf(blog(http)))).wrong]).toEqual([]);
    expect([...(await probed((_, response) => response.destroy(), jobOf(blog(http)))).wrong]).toEqual([]);
  });

  test("is asked each of its checks, until one is answered wrong", async () => {
    const answer: Answerer = ({ target }, response) => response.writeHead(target === "/b" ? 500 : 200).end();
    const checks = ["/a", "/b", "/c"].map((Path) => ({ ...http, Path }));
    const { wrong, seen } = await probed(answer, jobOf(blog(...checks)));
    expect(wrong.get("one")).toBe("GET /b answered 500");
    expect(seen.map(({ target }) => target)).toEqual(["/a", "/b"]);
  });
});

test.each<[what: string, check: CheckSpec]>([
  ["of another kind", { Type: "tcp" }],
  ["by another method", { ...http, Method: "HEAD" }],
  ["with a body", { ...http, Body: "{}" }],
  ["over TLS", { ...http, Protocol: "https" }],
  ["of another port", { ...http, PortLabel: "admin" }],
])("a check %s is not asked", async (_, check) => {
  const { wrong, askedConsul } = await probed(status(500), jobOf(blog(check)));
  expect([[...wrong], askedConsul]).toEqual([[], 0]);
});

test.each<[path: string | undefined, target: string]>([
  [undefined, "/"],
  ["ready", "/ready"],
  ["//other.test/x", "//other.test/x"],
])("the path %j is asked for as %s", async (Path, target) => {
  const { seen } = await probed(status(200), jobOf(blog({ Type: "http", Path })));
  expect(seen.map((one) => one.target)).toEqual([target]);
});

test("the checks of a service are asked of its own instances, whatever services stand before it", async () => {
  const job: JobSpec = {
    ID: "blog",
    TaskGroups: [
      {
        Name: "web",
        Services: [
          { Name: "elsewhere", Provider: "nomad", Checks: [{ ...http, Path: "/nomads" }] },
          { Name: "other", Checks: [{ ...http, Path: "/other" }] },
        ],
        Tasks: [{ Name: "web", Services: [blog({ ...http, Path: "/own" })] }],
      },
    ],
  };
  const { wrong, seen } = await probed(status(500), job);
  expect([wrong.get("one"), seen.map(({ target }) => target)]).toEqual(["GET /own answered 500", ["/own"]]);
});

test("where nobody is unwell nobody is asked", async () => {
  expect((await probed(status(500), jobOf(blog(http)), [])).askedConsul).toBe(0);
});

test("the signal ends it with its reason", async () => {
  await using consul = await fakeConsul(() => {});
  using probe = new CheckProbe({ consul: consul.consul, clock: new ImpatientClock() }, jobOf(blog(http)));
  const [stop, reason] = [new AbortController(), new Error("superseded")];
  const outcome = probe.wrongAnswers(["one"], stop.signal).catch((error: unknown) => error);
  await until(() => consul.seen.length === 1);
  stop.abort(reason);
  expect(await outcome).toBe(reason);
});
