import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeliveryTable, Store } from "../store/index.ts";
import { FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { request as httpRequest } from "node:http";
import { once } from "node:events";
import { OpenPathTable } from "./open-paths.ts";
import { type Hint, type JournaledHint, Receiver, type ReceiverLimits } from "./index.ts";

/** A receiver whose only webhooks are the open paths of two apps. */
async function startOpen(limits: Partial<ReceiverLimits> = {}) {
  const store = Store.open(":memory:");
  const table = new DeliveryTable<Hint>(store);
  const openPaths = new OpenPathTable();
  openPaths.set("blog", { path: "/blog", repository: "docker.io/team/blog" });
  openPaths.set("shop", { path: "/team/shop", repository: "registry.test:5000/team/shop" });
  const hints: JournaledHint[] = [];
  const clock = new FakeClock();
  const receiver = new Receiver({
    webhooks: { find: () => undefined },
    openPaths,
    journal: table,
    onHints: (more) => hints.push(...more),
    clock,
    log: silentLogger,
    limits,
  });
  const port = await receiver.listen("127.0.0.1", 0);
  return {
    openPaths,
    table,
    hints,
    clock,
    ask: (method: string, path: string, body = "", headers: Record<string, string> = {}) =>
      ask(port, method, path, body, headers),
    async [Symbol.asyncDispose]() {
      await receiver.close();
      store.close();
    },
  };
}

async function ask(
  port: number,
  method: string,
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const request = httpRequest({ port, host: "127.0.0.1", method, path, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, "response")) as [AsyncIterable<Buffer> & { statusCode: number }];
  let text = "";
  for await (const chunk of response) text += chunk.toString();
  return { status: response.statusCode, text };
}

function push(repository: string, tag: string): string {
  return JSON.stringify({
    callback_url: "https://registry.hub.docker.com/u/team/blog/hook/1/",
    push_data: { tag, pushed_at: 1_795_501_262.5, pusher: "somebody" },
    repository: { repo_name: repository, name: "blog", namespace: "team" },
  });
}

describe("open paths", () => {
  test("a delivery is journaled, and answered with 204 and nothing", async () => {
    await using open = await startOpen();
    expect(await open.ask("POST", "/blog", push("team/blog", "v2"))).toEqual({ status: 204, text: "" });
    expect(open.hints.map(({ webhook, hint }) => [webhook, hint])).toMatchObject([
      ["/blog", { kind: "image", registry: "docker.io", repository: "team/blog", tag: "v2", digest: null }],
    ]);
    expect(open.table.list({ limit: 5 })).toMatchObject([
      { webhook: "/blog", sender: "docker-hub", verdict: "accepted", status: 204 },
    ]);
  });

  test("a script need not say that it sends JSON", async () => {
    await using open = await startOpen();
    const type = { "content-type": "application/x-www-form-urlencoded" };
    expect((await open.ask("POST", "/blog", push("team/blog", "v2"), type)).status).toBe(204);
    expect(open.hints).toHaveLength(1);
  });

  test("it is meant for the app's own registry, whichever that is", async () => {
    await using open = await startOpen();
    for (const name of ["team/shop", "shop/other"]) await open.ask("POST", "/team/shop", push(name, "v1"));
    expect(open.hints.map(({ hint }) => hint)).toMatchObject([
      { registry: "registry.test:5000", repository: "team/shop", tag: "v1" },
    ]);
    expect(open.table.list({ limit: 1 })).toMatchObject([
      { verdict: "ignored", reason: "it tells of another repository than those of this path", status: 204 },
    ]);
  });

  test("of a path that several apps name, each is meant by its own repository", async () => {
    await using open = await startOpen();
    open.openPaths.set("shop", { path: "/blog", repository: "docker.io/team/shop" });
    await open.ask("POST", "/blog", push("team/shop", "v1"));
    expect(open.hints.map(({ hint }) => hint)).toMatchObject([{ repository: "team/shop" }]);
  });

  test("only paths that apps name are there, and only for POST", async () => {
    await using open = await startOpen();
    expect((await open.ask("POST", "/other", push("team/blog", "v2"))).status).toBe(404);
    expect((await open.ask("POST", "/", push("team/blog", "v2"))).status).toBe(404);
    expect((await open.ask("GET", "/blog")).status).toBe(405);
    open.openPaths.set("blog", null);
    expect((await open.ask("POST", "/blog", push("team/blog", "v2"))).status).toBe(404);
    expect(open.hints).toEqual([]);
  });

  test("a health check is answered as long as there is one", async () => {
    await using open = await startOpen();
    expect(await open.ask("GET", "/")).toEqual({ status: 204, text: "" });
    expect((await open.ask("HEAD", "/")).status).toBe(204);
    for (const app of ["blog", "shop"]) open.openPaths.set(app, null);
    expect((await open.ask("GET", "/")).status).toBe(404);
  });

  test("what is no delivery is refused", async () => {
    await using open = await startOpen();
    const { status, text } = await open.ask("POST", "/blog", "{}");
    expect([status, text]).toEqual([400, expect.stringContaining("DELIVERY_MALFORMED")]);
    expect(open.hints).toEqual([]);
  });

  test("whatever comes, nothing of another repository is looked at, and nothing is answered 500", async () => {
    await using open = await startOpen({ unproven: 10_000 });
    const name = fc.oneof(fc.constantFrom("team/blog", "docker.io/team/blog", "a/b", "../x", ""), fc.string());
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.tuple(name, fc.oneof(fc.constantFrom("v1", "latest"), fc.string())).map(([one, tag]) => push(one, tag)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        expect([204, 400]).toContain((await open.ask("POST", "/blog", text)).status);
      }),
      { numRuns: 60 },
    );
    const looked = open.hints.map(({ hint }) => hint.kind === "image" && `${hint.registry}/${hint.repository}`);
    expect(new Set([...looked, "docker.io/team/blog"])).toEqual(new Set(["docker.io/team/blog"]));
  });

  test("no more are taken in a minute than are allowed: nobody can fill the disk", async () => {
    await using open = await startOpen({ unproven: 2 });
    const statuses: number[] = [];
    const send = async (): Promise<void> => {
      statuses.push((await open.ask("POST", "/blog", push("team/blog", "v2"))).status);
    };
    for (let count = 0; count < 3; count++) await send();
    expect((await open.ask("POST", "/team/shop", push("team/shop", "v1"))).status).toBe(204);
    await open.clock.advance(60_000);
    await send();
    expect(statuses).toEqual([204, 204, 503, 204]);
    expect(open.table.list({ webhook: "/blog", limit: 9 })).toHaveLength(3);
  });
});
