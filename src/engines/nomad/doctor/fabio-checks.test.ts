import { describe, expect, test } from "vitest";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import { checkFabio } from "./fabio-checks.ts";
import { examine, fabio, type FakeCheck, instance, tags, troubles } from "./fakes.ts";

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

  test("that there are no routes yet", async () => {
    const { checks } = await examine({
      consul: { "GET /v1/catalog/services": {} },
      fabio: { "GET /api/routes": null },
    });
    const told = checks.filter(({ area }) => area === "Fabio").map(({ text }) => text);
    expect(told.at(-1)).toMatch(/^Consul has no routes yet, and Fabio at \S+ none of them$/);
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
    const sick = instance("fabio", [], 9998, [{ id: "c", status: "critical", output: "connection\nrefused" }]);
    const of = (found: unknown[]) => examine({ consul: { "GET /v1/health/service/fabio": found } }, []);
    expect(troubles(await of([]))).toEqual(["Fabio fail: there is no Fabio: Consul has no service `fabio`"]);
    expect(troubles(await of([sick]))).toEqual([
      "Fabio fail: Fabio at 10.0.0.1:9998 is critical in Consul: connection refused",
    ]);
  });

  test("that the token may not read where it is", async () => {
    await using fake = await fakeConsul((_, response) => {
      response.setHeader("x-consul-results-filtered-by-acls", "true").end("[]");
    });
    const { checks } = await checkFabio({
      consul: fake.consul,
      addresses: [],
      services: undefined,
      servicesAgain: () => Promise.resolve([]),
      clock: new ImpatientClock(),
      signal: AbortSignal.timeout(20_000),
    });
    expect(checks.map(({ text }) => text)).toEqual([
      "the token may not read the service `fabio`, by which Fabio is found",
    ]);
  });

  test("that Fabio is away", async () => {
    expect(troubles(await examine({ fabio: { "GET /api/version": 500 } }))).toEqual([
      expect.stringMatching(/^Fabio fail: Fabio at HOST: /),
    ]);
  });
});

describe("a redirect", () => {
  const both = [...tags, "urlprefix-blog.test:80/ redirect=301,https://blog.test$path"];
  const inConsul = {
    "GET /v1/catalog/services": { blog: both },
    "GET /v1/health/service/blog": [instance("blog", both, 20_000)],
  };
  const routes = fabio["GET /api/routes"] as object[];
  const target = { service: "blog", path: "/", dst: "https://blog.test$path", opts: "redirect=301", weight: 1 };
  const redirect = { ...target, host: "blog.test:80" };

  test("is a route as others are", async () => {
    const found = await examine({ consul: inConsul, fabio: { "GET /api/routes": [redirect, ...routes] } });
    expect(troubles(found)).toEqual([]);
    expect(found.checks.map(({ text }) => text)).toContainEqual(
      expect.stringContaining("has the 2 routes that Consul"),
    );
  });

  test("is missed where Fabio has none, and told where Consul says nothing of it", async () => {
    expect(troubles(await examine({ consul: inConsul }))).toEqual([
      "Fabio fail: Fabio at HOST does not redirect visitors of blog.test:80/, as blog says",
    ]);
    expect(troubles(await examine({ fabio: { "GET /api/routes": [redirect, ...routes] } }))).toEqual([
      "Fabio fail: Fabio at HOST still redirects visitors of blog.test:80/ for blog, of which Consul does not say so",
    ]);
  });
});

describe("what Fabio does with an instance that is not well in every way", () => {
  const at = (checks: FakeCheck[], own = tags) => ({
    "GET /v1/catalog/services": { blog: own },
    "GET /v1/health/service/blog": [instance("blog", own, 20_000, checks)],
  });
  const [passing, warning, critical] = ["passing", "warning", "critical"].map((status) => ({ id: status, status }));
  const none = { "GET /api/routes": null };

  test.each([
    ["one check warns", [warning]],
    ["one of two is critical", [passing, critical]],
  ] as Array<[string, FakeCheck[]]>)("is a matter of its configuration where %s", async (_, checks) => {
    expect(troubles(await examine({ consul: at(checks) }))).toEqual([]);
    expect(troubles(await examine({ consul: at(checks), fabio: none }))).toEqual([]);
  });

  test.each([
    ["its check is critical", [critical]],
    ["its node is away", [passing, { id: "serfHealth", status: "critical" }]],
    ["it is in maintenance", [passing, { id: "_service_maintenance:blog-20000", status: "critical" }]],
  ] as Array<[string, FakeCheck[]]>)("is to send nobody there where %s", async (_, checks) => {
    expect(troubles(await examine({ consul: at(checks), fabio: none }))).toEqual([]);
    expect(troubles(await examine({ consul: at(checks) }))).toEqual([
      "Fabio fail: Fabio at HOST still sends visitors of blog.test/ to blog at 10.0.0.1:20000, which is not well in Consul",
    ]);
  });

  test("is nothing where it has no check of its own, which is said", async () => {
    const found = await examine({ consul: at([{ id: "serfHealth", status: "passing" }]), fabio: none });
    expect(troubles(found)).toEqual([
      "services warn: service blog at 10.0.0.1:20000 has no check, so that Fabio sends nobody there",
    ]);
  });

  test("is not held against it while it changes", async () => {
    let looks = 0;
    const health = () => [instance("blog", tags, looks++ === 0 ? 19_999 : 20_000)];
    expect(troubles(await examine({ consul: { "GET /v1/health/service/blog": health } }))).toEqual([]);
    expect(looks).toBe(2);
  });
});

test("a tag that harms its own service alone is a warning", async () => {
  const routes = fabio["GET /api/routes"] as object[];
  const own = [...tags, "urlprefix-blog.test/a weight=1.5"];
  const found = await examine({
    consul: {
      "GET /v1/catalog/services": { blog: own },
      "GET /v1/health/service/blog": [instance("blog", own, 20_000)],
    },
    // That it has what such a tag says is no difference.
    fabio: { "GET /api/routes": [...routes, { ...(routes[0] as object), path: "/a" }] },
  });
  expect(troubles(found)).toEqual([
    "services warn: service blog: its tag `urlprefix-blog.test/a weight=1.5` has `weight=1.5`, where `weight` is a share from 0 to 1, such as `weight=0.25`",
  ]);
});
