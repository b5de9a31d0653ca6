import { describe, expect, test } from "vitest";
import { httpGet } from "../http-get.ts";
import type { Act, ClusterRecording, Exchange, StateChange } from "./cluster-recording.ts";
import { RecordedCluster } from "./recorded-cluster.ts";

const KEY = "/v1/job/web";
const texts = ["", "one", "two", "three", '{"Job":{"ID":"web","Count":1}}', '{"Index":2}', '[{"ModifyIndex":5}]', "[]"];
const state = (at: number, index: string, text: number): StateChange => ({
  at,
  asked: "nomad",
  key: KEY,
  index,
  status: 200,
  type: "text/plain",
  text,
});
const register = (from: number): Exchange => ({
  from,
  to: from + 5,
  asked: "nomad",
  method: "POST",
  target: "/v1/jobs",
  body: 4,
  status: 200,
  type: "text/plain",
  text: 5,
});
const stop: Act = { from: 5000, to: 6000, what: "stop consul" };

function story(changes: Partial<ClusterRecording>): Promise<RecordedCluster> {
  const versions = { nomad: "1", consul: "1", fabio: "1" };
  const lists = { images: {}, states: [], lines: [], exchanges: [], acts: [], outages: [] };
  return RecordedCluster.tell({ versions, startedAt: 0, registry: "127.0.0.1:5000", ...lists, ...changes, texts });
}

async function ask(cluster: RecordedCluster, target: string, body?: string) {
  const method = body === undefined ? "GET" : "POST";
  const { status, text, headers } = await httpGet(cluster.addresses.nomad, {
    host: "nomad",
    path: target,
    method,
    ...(body === undefined ? {} : { body }),
  });
  return { status, text, index: headers["x-nomad-index"] };
}

describe("a recorded cluster", () => {
  test("answers as of the story's time, and a blocking query when there is something new", async () => {
    await using cluster = await story({ states: [state(0, "1", 1), state(700, "2", 2), state(60_000, "3", 3)] });
    expect(await ask(cluster, KEY)).toEqual({ status: 200, text: "one", index: "1" });
    expect(await ask(cluster, `${KEY}?index=1&wait=60s`)).toMatchObject({ text: "two" });
    expect(cluster.clock.at).toBe(700);
    expect(await ask(cluster, `${KEY}?index=2&wait=1s`)).toMatchObject({ text: "two" });
    expect(cluster.clock.at).toBe(1700);
    expect(await ask(cluster, `${KEY}?wait=5m&index=2`)).toMatchObject({ text: "three" });
  });

  test("time waits for a change, and is there when it comes", async () => {
    const states = [state(0, "1", 1), state(1000.5, "2", 2)];
    await using cluster = await story({ states, exchanges: [register(1000)] });
    const waiting = ask(cluster, `${KEY}?index=1&wait=300s`);
    await cluster.clock.sleep(20_000);
    expect(cluster.clock.at).toBe(1000);
    expect(await ask(cluster, "/v1/jobs", '{ "Job": { "Count": 1, "ID": "web" } }')).toMatchObject({
      text: '{"Index":2}',
    });
    expect(await waiting).toMatchObject({ text: "two" });
    expect(cluster.clock.now()).toBeGreaterThan(20_000);
  });

  test("what a change led to at once is there with its answer, and not before, though its index is no other", async () => {
    const list = (at: number, text: number): StateChange => ({ ...state(at, "5", text), key: `${KEY}/allocations` });
    const lines = [{ at: 100, key: "/v1/event/stream", index: "5", text: 1 }];
    await using cluster = await story({ states: [list(0, 6), list(1050, 7)], exchanges: [register(1000)], lines });
    await cluster.clock.sleep(500);
    expect(await ask(cluster, `${KEY}/allocations`)).toMatchObject({ text: texts[6] });
    await ask(cluster, "/v1/jobs", texts[4]);
    expect(await ask(cluster, `${KEY}/allocations`)).toMatchObject({ text: texts[7] });
  });

  test("a change that the story has not fails the test", async () => {
    const cluster = await story({ exchanges: [register(10)] });
    expect((await ask(cluster, "/v1/jobs", '{"Job":{"ID":"web","Count":2}}')).status).toBe(501);
    await expect(cluster[Symbol.asyncDispose]()).rejects.toThrow(
      'in place of POST /v1/jobs {"Job":{"ID":"web","Count":1}} came',
    );
  });

  test("a change that does not come fails the test", async () => {
    const cluster = await story({ exchanges: [register(10)] });
    await expect(cluster[Symbol.asyncDispose]()).rejects.toThrow("it did not come: POST /v1/jobs");
  });

  test("a question that nobody asked fails the test", async () => {
    const cluster = await story({});
    expect((await ask(cluster, "/v1/job/other")).status).toBe(501);
    await expect(cluster[Symbol.asyncDispose]()).rejects.toThrow("nobody asked that: GET /v1/job/other");
  });

  test("changes of two subjects are made in the story's order, in whichever they come", async () => {
    const other = { ...register(10), target: "/v1/deployment/promote/a", body: 0 };
    await using cluster = await story({ exchanges: [register(20), other].toSorted((a, b) => a.from - b.from) });
    const first = ask(cluster, "/v1/jobs", texts[4]);
    await cluster.clock.sleep(1000);
    expect(cluster.clock.at).toBe(10);
    await ask(cluster, "/v1/deployment/promote/a", "");
    await first;
    expect(cluster.clock.at).toBe(25);
  });

  test("who is away answers nobody, and the stream of events is cut off", async () => {
    const lines = [{ at: 3000, key: "/v1/event/stream", index: "7", text: 1 }];
    await using cluster = await story({
      lines,
      states: [state(0, "1", 1)],
      acts: [stop],
      outages: [{ service: "nomad", from: 5500, to: 7000 }],
    });
    const stream = ask(cluster, "/v1/event/stream");
    await cluster.clock.sleep(4000);
    await cluster.control("stop", "consul");
    await expect(stream).rejects.toThrow();
    await expect(ask(cluster, KEY)).rejects.toThrow();
    await cluster.clock.sleep(2000);
    expect(await ask(cluster, KEY)).toMatchObject({ text: "one" });
  });

  test("visitors are told what visitors were, one after another", async () => {
    const visit = (from: number, text: number): Exchange => ({
      ...register(from),
      asked: "visitor",
      method: "GET",
      target: "http://web.test/",
      body: 0,
      text,
    });
    await using cluster = await story({ exchanges: [visit(10, 1), visit(20, 2), visit(300, 3)] });
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push((await cluster.visit("web.test", "/")).body);
    expect(seen).toEqual(["one", "two", "three", "three"]);
    expect(cluster.clock.at).toBe(305);
  });
});
