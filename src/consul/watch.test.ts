import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { Seen } from "../../test/support/fake-server.ts";
import type { ImpatientClock } from "../../test/support/impatient-clock.ts";
import { fakeConsul } from "./fakes.ts";

type Step = (response: ServerResponse, clock: ImpatientClock) => void;

/** Answers with a key as of an index. */
function at(index: number | bigint, value: string): Step {
  const entry = { Key: "a", Value: btoa(value), Flags: 0, LockIndex: 0, CreateIndex: 1, ModifyIndex: Number(index) };
  return (response) => response.setHeader("x-consul-index", String(index)).end(JSON.stringify([entry]));
}

const missing =
  (index: number): Step =>
  (response) =>
    response.setHeader("x-consul-index", String(index)).writeHead(404).end();
const failing =
  (status: number, body: string): Step =>
  (response) =>
    response.writeHead(status).end(body);
const cut: Step = (response) => response.destroy();
const cutInBody: Step = (response) => {
  response.setHeader("x-consul-index", "9");
  response.writeHead(200, { "content-length": "500" }).write('[{"Key":', () => response.destroy());
};
/** Never answers; time goes on until the client has enough of it. */
const silent: Step = (response, clock) => {
  const pass = (): void => {
    clock.pass(1000);
    if (!response.destroyed) setImmediate(pass);
  };
  pass();
};

/** What a watch of the key sees of a Consul that takes these steps, until it has seen so many values. */
async function watched(steps: Step[], count: number) {
  await using fake = await fakeConsul((_: Seen, response) => (steps.shift() ?? silent)(response, fake.clock));
  const stop = new AbortController();
  const troubles: unknown[] = [];
  const values: Array<string | undefined> = [];
  const { consul } = fake;
  const onTrouble = (error: unknown): void => void troubles.push(error);
  const snapshots = consul.watch((question) => consul.kv.get("a", question), { signal: stop.signal, onTrouble });
  for await (const { value } of snapshots) {
    values.push(value?.value.toString());
    if (values.length === count) break;
  }
  const asked = fake.seen.map(({ target }) => target.replace("/v1/kv/a", ""));
  return { values, asked, troubles, waits: fake.clock.waits };
}

describe("a watch of Consul", () => {
  test("follows a key that changes, is deleted and comes back", async () => {
    const { values, asked } = await watched([at(5, "v1"), at(5, "v1"), at(7, "v2"), missing(8), at(9, "v3")], 4);
    expect(values).toEqual(["v1", "v2", undefined, "v3"]);
    expect(asked).toEqual(["", "?index=5&wait=1m", "?index=5&wait=1m", "?index=7&wait=1m", "?index=8&wait=1m"]);
  });

  test("keeps all digits of an index", async () => {
    const { asked } = await watched([at(16732694861022544172n, "v1"), at(16732694861022544173n, "v2")], 2);
    expect(asked[1]).toBe("?index=16732694861022544172&wait=1m");
  });

  test("outlives a restart: the query that blocked is cut, nobody listens for a while, and the indexes begin anew", async () => {
    const steps = [at(900, "v1"), cut, failing(500, "No cluster leader"), at(3, "v1"), at(4, "v2")];
    const { values, asked, troubles, waits } = await watched(steps, 3);
    // It was written anew, which its ModifyIndex says.
    expect(values).toEqual(["v1", "v1", "v2"]);
    expect(asked).toEqual(["", "?index=900&wait=1m", "", "", "?index=3&wait=1m"]);
    expect(troubles).toMatchObject([{ code: "CONSUL_UNREACHABLE" }, { code: "CONSUL_UNREACHABLE" }]);
    expect(waits).toEqual([250, 500]);
  });

  test("takes nothing of an answer that breaks off, and asks again", async () => {
    const { values, asked } = await watched([at(5, "v1"), cutInBody, at(9, "v2")], 2);
    expect(values).toEqual(["v1", "v2"]);
    expect(asked).toEqual(["", "?index=5&wait=1m", ""]);
  });

  test("begins again when the index goes down", async () => {
    const { asked } = await watched([at(50, "v1"), at(3, "v2"), at(3, "v2"), at(4, "v3")], 3);
    expect(asked).toEqual(["", "?index=50&wait=1m", "", "?index=3&wait=1m"]);
  });

  test("waits when it is asked to ask less", async () => {
    const { values, troubles } = await watched([at(5, "v1"), failing(429, "slow down"), at(6, "v2")], 2);
    expect(values).toEqual(["v1", "v2"]);
    expect(troubles).toMatchObject([{ code: "CONSUL_LIMITED" }]);
  });

  test("gives a query that never ends up, and asks again", async () => {
    const { values, troubles } = await watched([at(5, "v1"), silent, at(6, "v2")], 2);
    expect(values).toEqual(["v1", "v2"]);
    expect(troubles).toMatchObject([{ message: expect.stringContaining("it did not answer within 78.75 s") }]);
  });

  test("ends with what does not pass by itself", async () => {
    await expect(watched([at(5, "v1"), failing(403, "Permission denied")], 2)).rejects.toMatchObject({
      code: "CONSUL_DENIED",
    });
  });

  test("ends with its signal while a query blocks", async () => {
    const { promise: blocked, resolve } = Promise.withResolvers<void>();
    const steps: Step[] = [at(5, "v1"), () => resolve()];
    await using fake = await fakeConsul((_, response) => (steps.shift() ?? silent)(response, fake.clock));
    const stop = new AbortController();
    const values = fake.consul.watch((question) => fake.consul.kv.get("a", question), { signal: stop.signal });
    await values.next();
    const next = values.next();
    await blocked;
    stop.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
  });
});
