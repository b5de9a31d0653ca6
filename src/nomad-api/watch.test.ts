import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import { replay } from "../../test/support/replay.ts";
import { writeJson } from "../shared/json/write-json.ts";
import { fakeNomad, testNomad } from "./fakes.ts";
import type { ImpatientClock } from "../../test/support/impatient-clock.ts";

type Step = (response: ServerResponse, clock: ImpatientClock) => void;

const ID = "5cb9bd9c-e1e4-092d-75c3-523781afa25d";
const deployment = recording("nomad", "24-first-deployment-step1").response.body as Record<string, unknown>;

/** Answers with a deployment as of an index. */
function at(index: number | bigint, status: string): Step {
  const body = writeJson({ ...deployment, Status: status });
  return (response) => response.setHeader("x-nomad-index", String(index)).end(body);
}

const gone =
  (index: number): Step =>
  (response) =>
    response.setHeader("x-nomad-index", String(index)).writeHead(404).end("deployment not found");
const failing =
  (status: number, body: string): Step =>
  (response) =>
    response.writeHead(status).end(body);
const cut: Step = (response) => response.destroy();
const cutInBody: Step = (response) => {
  response.setHeader("x-nomad-index", "9");
  response.writeHead(200, { "content-length": "500" }).write('{"ID":', () => response.destroy());
};
/** Never answers; time goes on until the client has enough of it. */
const silent: Step = (response, clock) => {
  const pass = (): void => {
    clock.pass(1000);
    if (!response.destroyed) setImmediate(pass);
  };
  pass();
};
/** Begins to answer, and then sends nothing more. */
const slowBody: Step = (response, clock) => {
  response
    .writeHead(200, { "content-length": "500", "x-nomad-index": "9" })
    .write('{"ID":', () => silent(response, clock));
};

/** What a watch of a deployment sees of a Nomad that takes these steps, until it has seen so many states. */
async function watched(steps: Step[], count: number) {
  await using fake = await fakeNomad((_, response) => (steps.shift() ?? silent)(response, fake.clock));
  const { nomad } = fake;
  const troubles: unknown[] = [];
  const states: Array<string | undefined> = [];
  const snapshots = nomad.watch((question) => nomad.deployments.read(ID, question), {
    signal: new AbortController().signal,
    onTrouble: (error) => void troubles.push(error),
  });
  for await (const { value } of snapshots) {
    states.push(value?.status);
    if (states.length === count) break;
  }
  const asked = fake.seen.map(({ target }) => target.replace(`/v1/deployment/${ID}`, ""));
  return { states, asked, troubles, waits: fake.clock.waits };
}

describe("a watch of Nomad", () => {
  test("follows a deployment to its end, and to when it is forgotten", async () => {
    const steps = [at(5, "running"), at(5, "running"), at(7, "successful"), gone(8)];
    const { states, asked } = await watched(steps, 3);
    expect(states).toEqual(["running", "successful", undefined]);
    expect(asked).toEqual(["", "?index=5&wait=1m", "?index=5&wait=1m", "?index=7&wait=1m"]);
  });

  test("keeps all digits of an index", async () => {
    const { asked } = await watched([at(16732694861022544172n, "running"), at(16732694861022544173n, "failed")], 2);
    expect(asked[1]).toBe("?index=16732694861022544172&wait=1m");
  });

  test("outlives a restart: the query that blocked is cut, there is no leader for a while, and the indexes begin anew", async () => {
    const steps = [at(900, "running"), cut, failing(500, "No cluster leader"), at(3, "running"), at(4, "successful")];
    const { states, asked, troubles, waits } = await watched(steps, 2);
    expect(states).toEqual(["running", "successful"]);
    expect(asked).toEqual(["", "?index=900&wait=1m", "", "", "?index=3&wait=1m"]);
    expect(troubles).toMatchObject([{ code: "NOMAD_UNREACHABLE" }, { code: "NOMAD_UNREACHABLE" }]);
    expect(waits).toEqual([250, 500]);
  });

  test("begins again when the index goes down", async () => {
    const { asked } = await watched([at(50, "running"), at(3, "paused"), at(3, "paused"), at(4, "running")], 3);
    expect(asked).toEqual(["", "?index=50&wait=1m", "", "?index=3&wait=1m"]);
  });

  test("takes nothing of an answer that breaks off or stops, and asks again", async () => {
    const { states, asked, troubles } = await watched([at(5, "running"), cutInBody, slowBody, at(9, "failed")], 2);
    expect(states).toEqual(["running", "failed"]);
    expect(asked).toEqual(["", "?index=5&wait=1m", "", ""]);
    expect(troubles).toMatchObject([
      { message: expect.stringContaining("broke off") },
      { message: expect.stringContaining("nothing came for 15 s") },
    ]);
  });

  test("waits when it is asked to ask less, and gives a query that never ends up", async () => {
    const { states, troubles } = await watched(
      [at(5, "running"), failing(429, "slow down"), at(5, "running"), silent, at(6, "failed")],
      2,
    );
    expect(states).toEqual(["running", "failed"]);
    expect(troubles).toMatchObject([
      { code: "NOMAD_LIMITED" },
      { message: expect.stringContaining("it did not answer within 78.75 s") },
    ]);
  });

  test("ends with what does not pass by itself", async () => {
    await expect(watched([at(5, "running"), failing(403, "Permission denied")], 2)).rejects.toMatchObject({
      code: "NOMAD_DENIED",
    });
    await expect(watched([at(5, "running"), failing(500, "something that nobody knows")], 2)).rejects.toMatchObject({
      code: "NOMAD_REFUSED",
    });
  });

  test("ends with its signal while a query blocks", async () => {
    const { promise: blocked, resolve } = Promise.withResolvers<void>();
    const steps: Step[] = [at(5, "running"), () => resolve()];
    await using fake = await fakeNomad((_, response) => (steps.shift() ?? silent)(response, fake.clock));
    const stop = new AbortController();
    const { nomad } = fake;
    const values = nomad.watch((question) => nomad.deployments.read(ID, question), { signal: stop.signal });
    await values.next();
    const next = values.next();
    await blocked;
    stop.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
  });
});

describe("blocking queries as they were recorded", () => {
  test("a first deployment, from running to successful", async () => {
    const files = [
      "24-first-deployment-step1",
      "25-first-deployment-step2",
      "26-first-deployment-step3",
      "27-first-deployment-step4",
    ];
    await using server = await replay("nomad", files);
    await using client = testNomad({ NOMAD_ADDR: server.address });
    const { nomad } = client;
    const seen: Array<[string | undefined, number | undefined]> = [];
    const signal = new AbortController().signal;
    const snapshots = nomad.watch((question) => nomad.deployments.read(ID, question), { signal, waitMs: 20_000 });
    for await (const { value } of snapshots) {
      seen.push([value?.status, value?.groups["web"]?.healthy]);
      if (value?.status === "successful") break;
    }
    expect(seen).toEqual([
      ["running", 0],
      ["running", 1],
      ["running", 2],
      ["successful", 2],
    ]);
  });

  test("a wait that ended, an index that is too high, a job that there is none of", async () => {
    const files = [
      "131-job-deployment-blocking-timeout",
      "132-deployments-blocking-index-too-high",
      "133-job-missing-blocking",
    ];
    await using server = await replay("nomad", files);
    await using client = testNomad({ NOMAD_ADDR: server.address });
    const { deployments, jobs } = client.nomad;
    expect((await jobs.latestDeployment("web", { index: 635n, waitMs: 2000 })).index).toBe(635n);
    expect((await deployments.list({ index: 99_999_999n, waitMs: 2000 })).index).toBe(635n);
    expect(await jobs.read("nope", { index: 1n, waitMs: 1000 })).toEqual({ index: 635n, value: undefined });
  });
});
