import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { whileTimePasses } from "../../test/support/impatient-clock.ts";
import { recording } from "../../test/support/recording.ts";
import { replay } from "../../test/support/replay.ts";
import type { EventStreamItem, EventTopic } from "./event-stream.ts";
import { fakeNomad, testNomad } from "./fakes.ts";

type Connection = (response: ServerResponse) => void;

const evaluation = recording("nomad", "23-evaluation-v1").response.bodyJson;

/** A line with events about evaluations of these ids. */
function line(index: number, ...keys: string[]): string {
  const events = keys.map(
    (key) =>
      `{"Topic":"Evaluation","Type":"EvaluationUpdated","Key":"${key}","Namespace":"default","FilterKeys":null,"Index":${index},"Payload":{"Evaluation":${evaluation}}}`,
  );
  return `{"Index":${index},"Events":[${events.join(",")}]}`;
}

/** Sends these pieces, each by itself, and then breaks off. */
const cutAfter =
  (...pieces: string[]): Connection =>
  (response) =>
    send(response, pieces, () => response.destroy());
/** Sends these pieces and ends as it should. */
const endAfter =
  (...pieces: string[]): Connection =>
  (response) =>
    send(response, pieces, () => response.end());
/** Sends these pieces and stays open. */
const openAfter =
  (...pieces: string[]): Connection =>
  (response) =>
    send(response, pieces, () => {});
const refuse =
  (status: number, body: string): Connection =>
  (response) =>
    response.writeHead(status).end(body);

function send(response: ServerResponse, [piece, ...rest]: string[], then: () => void): void {
  if (piece === undefined) then();
  else response.write(piece, () => setImmediate(() => send(response, rest, then)));
}

const show = (item: EventStreamItem): string =>
  item.kind === "resync" ? `resync: ${item.reason}` : `${item.index} ${item.events.map(({ key }) => key).join(" ")}`;

/** What a reader sees of a Nomad that makes these connections, until it has seen so many items. */
async function followed(connections: Connection[], count: number) {
  await using fake = await fakeNomad((_, response) => (connections.shift() ?? openAfter())(response));
  const troubles: unknown[] = [];
  const items: string[] = [];
  const stream = fake.nomad.events({
    topics: [{ topic: "Evaluation", key: "web" }, { topic: "Deployment" }],
    signal: new AbortController().signal,
    onTrouble: (error) => void troubles.push(error),
  });
  for await (const item of stream) {
    items.push(show(item));
    if (items.length === count) break;
  }
  const asked = fake.seen.map(({ target }) =>
    target.replace("/v1/event/stream?topic=Evaluation%3Aweb&topic=Deployment", ""),
  );
  return { items, asked, troubles, waits: fake.clock.waits };
}

describe("the event stream", () => {
  test("begins with a resync, and brings events of lines that come in pieces, heartbeats in between", async () => {
    const text = `{}\n${line(10, "a")}\n${line(10, "b", "c")}\n{}\n${line(11, "d")}\n`;
    const pieces = [text.slice(0, 1), text.slice(1, 40), text.slice(40, 700), text.slice(700)];
    const { items, asked } = await followed([openAfter(...pieces)], 4);
    expect(items).toEqual(["resync: the stream begins", "10 a", "10 b c", "11 d"]);
    expect(asked).toEqual([""]);
  });

  test("cut in the middle of a line is taken up where it was: no event is lost, and none comes twice", async () => {
    const connections = [
      cutAfter(`{}\n${line(10, "a")}\n${line(11, "b")}\n`, line(11, "c").slice(0, 90)),
      openAfter(`{}\n${line(11, "b")}\n${line(11, "c")}\n${line(12, "d")}\n`),
    ];
    const { items, asked, troubles, waits } = await followed(connections, 5);
    expect(items).toEqual(["resync: the stream begins", "10 a", "11 b", "11 c", "12 d"]);
    expect(asked).toEqual(["", "&index=11"]);
    expect(troubles).toMatchObject([{ code: "NOMAD_UNREACHABLE", operation: "follow", subject: "Nomad's events" }]);
    expect(waits).toEqual([250]);
  });

  test("says that something may be missing when Nomad's buffer does not reach back any more", async () => {
    const connections = [cutAfter(`{}\n${line(10, "a")}\n`), openAfter(`{}\n${line(200, "b")}\n${line(201, "c")}\n`)];
    const { items } = await followed(connections, 5);
    expect(items).toEqual(["resync: the stream begins", "10 a", "resync: change 200 came after 10", "200 b", "201 c"]);
  });

  test("says so when the servers began anew", async () => {
    const connections = [cutAfter(`{}\n${line(900, "a")}\n`), openAfter(`{}\n${line(7, "b")}\n${line(8, "c")}\n`)];
    const { items, asked } = await followed(connections, 5);
    expect(items).toEqual(["resync: the stream begins", "900 a", "resync: change 7 came after 900", "7 b", "8 c"]);
    expect(asked).toEqual(["", "&index=900"]);
  });

  test("says so after two seconds when nothing comes at all", async () => {
    const connections = [cutAfter(`{}\n${line(10, "a")}\n`), openAfter("{}\n")];
    await using fake = await fakeNomad((_, response) => (connections.shift() ?? openAfter())(response));
    const stream = fake.nomad.events({ topics: [{ topic: "Evaluation" }], signal: new AbortController().signal });
    await stream.next();
    await stream.next();
    const next = stream.next();
    while (fake.seen.length < 2) await new Promise(setImmediate);
    const { value } = await whileTimePasses(fake.clock, 100, next);
    expect(show(value)).toBe("resync: Nomad does not have change 10 any more");
    await stream.return(undefined as never);
  });

  test("goes on after a server that ends it, with and without a word", async () => {
    const connections = [
      endAfter(`{}\n${line(10, "a")}\n`),
      endAfter(`{}\n${line(10, "a")}\n${line(11, "b")}\n`, "event dropped from buffer"),
      endAfter(`{}\n${line(11, "b")}\n`, "subscription closed by server, client should resubscribe"),
      openAfter(`{}\n${line(11, "b")}\n${line(12, "c")}\n`),
    ];
    const { items, troubles } = await followed(connections, 4);
    expect(items).toEqual(["resync: the stream begins", "10 a", "11 b", "12 c"]);
    expect(troubles).toMatchObject([
      { reason: expect.stringMatching(/ended the stream$/) },
      {
        reason: expect.stringContaining("event dropped from buffer"),
        hint: expect.stringContaining("event_buffer_size"),
      },
      { reason: expect.stringContaining("subscription closed") },
    ]);
  });

  test("waits longer and longer while there is no Nomad, and anew after events", async () => {
    const connections = [
      refuse(500, "No cluster leader"),
      refuse(429, ""),
      cutAfter(),
      cutAfter("{}\n"),
      cutAfter(`{}\n${line(1, "a")}\n`),
      openAfter(`{}\n${line(1, "a")}\n${line(2, "b")}\n`),
    ];
    const { items, waits } = await followed(connections, 4);
    expect(items).toEqual(["resync: the stream begins", "resync: the stream begins", "1 a", "2 b"]);
    expect(waits).toEqual([250, 500, 1000, 2000, 250]);
  });

  test("gives up a connection in which nothing comes any more, not even a heartbeat", async () => {
    const connections = [openAfter(`{}\n${line(10, "a")}\n`), openAfter(`{}\n${line(10, "a")}\n${line(11, "b")}\n`)];
    await using fake = await fakeNomad((_, response) => (connections.shift() ?? openAfter())(response));
    const troubles: unknown[] = [];
    const stream = fake.nomad.events({
      topics: [{ topic: "Evaluation" }],
      signal: new AbortController().signal,
      onTrouble: (error) => void troubles.push(error),
    });
    await stream.next();
    await stream.next();
    const { value } = await whileTimePasses(fake.clock, 1000, stream.next());
    expect(show(value)).toBe("11 b");
    expect(troubles).toMatchObject([{ message: expect.stringContaining("nothing came for 75 s") }]);
    await stream.return(undefined as never);
  });

  test.for([
    ["a token that may not", [refuse(403, "Permission denied")], "NOMAD_DENIED"],
    ["a topic that Nomad does not have", [refuse(400, "Invalid topic query")], "NOMAD_REFUSED"],
    ["a token that is taken away meanwhile", [endAfter("{}\n", "Permission denied")], "NOMAD_DENIED"],
    ["a line that is no JSON", [openAfter('{}\n{"Index":1,}\n')], "NOMAD_ANSWER_INVALID"],
    ["an event that is none", [openAfter('{"Index":1,"Events":[{"Topic":"Evaluation"}]}\n')], "NOMAD_ANSWER_INVALID"],
  ] as const)("ends with %s", async ([, connections, code]) => {
    await expect(followed([...connections], 9)).rejects.toMatchObject({ code });
  });

  test("ends with its signal, and its connection with it", async () => {
    const closed = Promise.withResolvers<void>();
    await using fake = await fakeNomad((_, response) => {
      response.once("close", () => closed.resolve());
      openAfter("{}\n")(response);
    });
    const stop = new AbortController();
    const stream = fake.nomad.events({ topics: [{ topic: "Job" }], signal: stop.signal });
    await stream.next();
    const next = stream.next();
    stop.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
    await closed.promise;
  });

  test("ends its connection when nobody reads any more", async () => {
    const closed = Promise.withResolvers<void>();
    await using fake = await fakeNomad((_, response) => {
      response.once("close", () => closed.resolve());
      openAfter(`{}\n${line(1, "a")}\n`)(response);
    });
    for await (const item of fake.nomad.events({ topics: [{ topic: "Job" }], signal: new AbortController().signal })) {
      if (item.kind === "events") break;
    }
    await closed.promise;
  });
});

describe("events as they were recorded", () => {
  async function recorded(file: string, topics: readonly EventTopic[]) {
    await using server = await replay("nomad", [file], { order: "request" });
    await using client = testNomad({ NOMAD_ADDR: server.address });
    const count = (recording("nomad", file).response.stream ?? []).filter((text) => text !== "{}").length;
    const items: EventStreamItem[] = [];
    for await (const item of client.nomad.events({ topics, signal: new AbortController().signal })) {
      items.push(item);
      if (items.length === count + 1) break;
    }
    return items.flatMap((item) => (item.kind === "events" ? item.events : []));
  }

  test("a canary and its promotion, with all that they are about", async () => {
    const topics = [
      { topic: "Deployment" },
      { topic: "Job", key: "web" },
      { topic: "Evaluation", key: "web" },
      { topic: "Allocation", key: "web" },
    ] as const;
    const events = await recorded("61-event-stream-canary-promote", topics);
    const lines = recording("nomad", "61-event-stream-canary-promote").response.stream ?? [];
    expect(events).toHaveLength(lines.join("").match(/"Topic":/g)?.length ?? 0);
    const deployments = events.flatMap((event) => (event.topic === "Deployment" ? [event.deployment] : []));
    expect(new Set(deployments.map(({ status }) => status))).toEqual(new Set(["running", "successful"]));
    const jobs = events.flatMap((event) => (event.topic === "Job" ? [event.job] : []));
    expect(new Set(jobs.map(({ version }) => version))).toEqual(new Set([0, 1]));
    const canaries = events.flatMap((event) =>
      event.topic === "Allocation" && event.allocation.health?.isCanary === true ? [event.allocation] : [],
    );
    expect(canaries.some(({ health }) => health?.healthy === true)).toBe(true);
    expect(
      events.some((event) => event.topic === "Evaluation" && event.evaluation.triggeredBy === "job-register"),
    ).toBe(true);
  });

  test("an automatic promotion, by its deployments alone", async () => {
    const events = await recorded("70-event-stream-auto-promote", [{ topic: "Deployment" }]);
    expect(events.every(({ topic }) => topic === "Deployment")).toBe(true);
    expect(events.at(-1)).toMatchObject({ deployment: { status: "successful", groups: { web: { promoted: true } } } });
  });
});
