import { describe, expect, test } from "vitest";
import { type Answerer, fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock, whileTimePasses } from "../../../../test/support/impatient-clock.ts";
import { replay } from "../../../../test/support/replay.ts";
import { until } from "../../../../test/support/until.ts";
import { Fabio, type FabioTarget } from "./fabio.ts";

async function told<Value>(files: readonly string[], ask: (fabio: Fabio) => Promise<Value>): Promise<Value> {
  await using server = await replay("fabio", files);
  using fabio = new Fabio(server.address, new ImpatientClock());
  return await ask(fabio);
}

async function routesOf(...routes: Array<Partial<Record<"service" | "host" | "path" | "dst", string>>>) {
  const answer = routes.map((route) => ({ service: "blog", host: "", path: "/", dst: "", weight: 1, ...route }));
  await using server = await fakeServer((_, response) => response.end(JSON.stringify(answer)));
  using fabio = new Fabio(server.host, new ImpatientClock());
  return await fabio.routes();
}

describe("as Fabio told it", () => {
  test("where it sends visitors to, and what it is", async () => {
    const found = await told(["08-routes", "02-version"], async (fabio) => [
      await fabio.routes(),
      await fabio.version(),
    ]);
    const target: Omit<FabioTarget, "address"> = {
      service: "web",
      host: "example.test",
      path: "/",
      isRedirect: false,
      weight: 0.5,
    };
    expect(found).toEqual([
      [
        { ...target, address: "127.0.0.1:30994" },
        { ...target, address: "127.0.0.1:26182" },
      ],
      "v1.6.3",
    ]);
  });

  test("that it has no routes", async () => {
    expect(await told(["01-routes-empty"], (fabio) => fabio.routes())).toEqual([]);
  });

  test("routes of every kind", async () => {
    const routes = await told(["17-routes-options"], (fabio) => fabio.routes());
    const of = (host: string, path: string) => routes.filter((one) => one.host === host && one.path === path);
    expect(of("opt.test", "/strip")).toMatchObject([
      { service: "opt-strip", address: "127.0.0.1:18081", isRedirect: false },
    ]);
    expect(of("opt.test", "/redir")).toMatchObject([{ service: "opt-strip", isRedirect: true }]);
    expect(of("opt.test", "/redirfix")).toMatchObject([{ service: "opt-strip", isRedirect: true }]);
    expect(of("port80.test:80", "/")).toHaveLength(1);
  });
});

test.each([
  ["http://10.0.0.1:80/", "10.0.0.1:80"],
  ["https://10.0.0.1:443/", "10.0.0.1:443"],
  ["http://10.0.0.1:8080/path", "10.0.0.1:8080"],
  ["http://[fd00::1]:8080/", "[fd00::1]:8080"],
  ["http://10.0.0.1/", "10.0.0.1:80"],
  ["https://10.0.0.1/", "10.0.0.1:443"],
  ["grpc://10.0.0.1:50051", "10.0.0.1:50051"],
  ["tcp://10.0.0.1:5432", "10.0.0.1:5432"],
])("the address of %s is %s", async (dst, address) => {
  expect((await routesOf({ dst }))[0]?.address).toBe(address);
});

describe("a Fabio that does not tell", () => {
  async function failureOf(answer: Answerer): Promise<unknown> {
    await using server = await fakeServer(answer);
    const clock = new ImpatientClock();
    using fabio = new Fabio(server.host, clock);
    return await whileTimePasses(
      clock,
      500,
      fabio.routes().catch((error: unknown) => error),
    );
  }

  test.each<[what: string, answer: Answerer]>([
    ["is busy", (_, response) => response.writeHead(503).end()],
    ["hangs up", (_, response) => response.destroy()],
    ["says nothing", () => {}],
    ["says something else", (_, response) => response.end("<html>")],
    ["gives a list of something else", (_, response) => response.end('[{"service": 1}]')],
    ["gives no list", (_, response) => response.end('{"routes": []}')],
  ])("since it %s is asked once, and the error says so", async (_, answer) => {
    expect(await failureOf(answer)).toMatchObject({ code: "FABIO_UNREACHABLE" });
  });

  test("ends with the signal's reason", async () => {
    await using server = await fakeServer(() => {});
    using fabio = new Fabio(server.host, new ImpatientClock());
    const [stop, reason] = [new AbortController(), new Error("superseded")];
    const outcome = fabio.routes(stop.signal).catch((error: unknown) => error);
    await until(() => server.seen.length === 1);
    stop.abort(reason);
    expect(await outcome).toBe(reason);
  });
});

test("an address without a scheme and a port is Fabio's own", () => {
  using fabio = new Fabio("10.0.0.1", new ImpatientClock());
  expect(fabio.address).toBe("10.0.0.1:9998");
});
