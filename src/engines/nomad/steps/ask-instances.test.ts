import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { type Answerer, fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock, whileTimePasses } from "../../../../test/support/impatient-clock.ts";
import { until } from "../../../../test/support/until.ts";
import type { AppDefinition } from "../../../config/index.ts";
import { testRelease } from "../../../../test/support/test-engine.ts";
import { askInstances } from "./ask-instances.ts";

type CheckDefinition = AppDefinition["check"];

const plain: CheckDefinition = { path: "/", status: [200, 399], contains: null, timeoutMs: 1000 };

/** @param ms how quickly time goes on: so much at each turn of the event loop */
async function asked(answer: Answerer, change: Partial<CheckDefinition> = {}, ms = 100) {
  await using server = await fakeServer(answer);
  const clock = new ImpatientClock();
  const release = testRelease(2, { check: { ...plain, ...change } });
  const { signal } = new AbortController();
  const asking = askInstances(release, [server.host, server.host], { clock, signal });
  const outcome = await whileTimePasses(
    clock,
    ms,
    asking.catch((error: unknown) => error),
  );
  return { outcome, seen: server.seen, host: server.host };
}

const failed = (reason: string | RegExp): object => ({
  code: "CHECK_FAILED",
  subject: "blog, release 2",
  reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
});

test("each instance is asked as a visitor would ask it", async () => {
  const { outcome, seen } = await asked((_, response) => response.end("ok"), { path: "/ready?x=1" });
  expect(outcome).toBeUndefined();
  expect(seen.map(({ method, target }) => `${method} ${target}`)).toEqual(["GET /ready?x=1", "GET /ready?x=1"]);
  expect(seen[0]?.headers).toMatchObject({
    host: "blog.test",
    "user-agent": expect.stringMatching(/^steppe\/\S+ check$/),
  });
});

test("a path that begins with two slashes is no other host", async () => {
  const { outcome, seen } = await asked((_, response) => response.end("ok"), { path: "//other.test/x" });
  expect([outcome, seen.map(({ target }) => target)]).toEqual([undefined, ["//other.test/x", "//other.test/x"]]);
});

test.each<[status: number, range: [number, number], reason: string | undefined]>([
  [200, [200, 399], undefined],
  [302, [200, 399], undefined],
  [404, [404, 404], undefined],
  [199 + 1, [201, 299], "GET / answered 200, expected 201–299"],
  [500, [200, 399], "GET / answered 500, expected 200–399"],
  [403, [404, 404], "GET / answered 403, expected 404"],
])("a status %i where %j is wanted", async (code, status, reason) => {
  // A redirection is not followed.
  const answer: Answerer = (_, response) => response.writeHead(code, { location: "http://127.0.0.1:1/" }).end();
  const { outcome } = await asked(answer, { status });
  if (reason === undefined) expect(outcome).toBeUndefined();
  else expect(outcome).toMatchObject(failed(reason));
});

describe("a text that the answer must contain", () => {
  const contains = 'grüße, "release" 2';
  const MB = 1024 * 1024;

  async function found(...chunks: Array<string | Buffer>): Promise<unknown> {
    const send = async (response: ServerResponse): Promise<void> => {
      for (const chunk of chunks) {
        response.write(chunk);
        await new Promise(setImmediate);
      }
      response.end();
    };
    return (await asked((_, response) => void send(response), { contains }, 0)).outcome;
  }

  test("is found wherever it stands", async () => {
    expect(await found(contains)).toBeUndefined();
    expect(await found("a", contains, "b")).toBeUndefined();
    const bytes = Buffer.from(`x${contains}y`);
    for (let at = 1; at < bytes.length; at++)
      expect(await found(bytes.subarray(0, at), bytes.subarray(at))).toBeUndefined();
    expect(await found(...[...bytes].map((byte) => Buffer.from([byte])))).toBeUndefined();
  });

  test("is missing where it is not", async () => {
    const reason = `GET / answered 200 without the text ${JSON.stringify(contains)}`;
    expect(await found("")).toMatchObject(failed(reason));
    expect(await found(contains.slice(0, -1))).toMatchObject(failed(reason));
  });

  test("is looked for in the first megabytes of what has no end, and found there", async () => {
    const page = Buffer.alloc(MB, "x");
    expect(await found(contains, page, page, page, page, page)).toBeUndefined();
    const { outcome } = await asked(
      (_, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(page));
          if (!response.destroyed) response.once("drain", more);
        };
        more();
      },
      { contains },
      0,
    );
    expect(outcome).toMatchObject(failed(/ without the text .* in the first 4 MB$/));
  });

  test("is not looked for where the status is wrong", async () => {
    const { outcome } = await asked((_, response) => response.writeHead(500).end(contains), { contains });
    expect(outcome).toMatchObject(failed("GET / answered 500, expected 200–399"));
  });
});

describe("an instance fails the check that", () => {
  test("does not answer", async () => {
    const { outcome, host } = await asked(() => {});
    expect(outcome).toMatchObject(failed(`GET / was not answered: ${host}: it did not answer within 1 s`));
  });

  test("breaks off", async () => {
    const { outcome } = await asked((_, response) => response.destroy());
    expect(outcome).toMatchObject(failed(/^GET \/ was not answered: /));
  });

  test("falls silent in the middle", async () => {
    const { outcome } = await asked((_, response) => response.write("some"), { contains: "text" });
    expect(outcome).toMatchObject(failed(/nothing came for 1 s$/));
  });

  test("trickles for ever", async () => {
    const clock = new ImpatientClock();
    await using server = await fakeServer((_, response) => response.write("."));
    const release = testRelease(2, { check: { ...plain, contains: "text" } });
    const asking = askInstances(release, [server.host], { clock, signal: new AbortController().signal });
    const outcome = asking.catch((error: unknown) => error);
    let isOver = false;
    void outcome.then(() => (isOver = true));
    await until(() => server.seen.length === 1);
    while (!isOver) {
      clock.pass(500);
      await new Promise(setImmediate);
    }
    expect(await outcome).toMatchObject(failed(/was not answered: /));
  });

  test("is not there", async () => {
    const clock = new ImpatientClock();
    const asking = askInstances(testRelease(2), ["127.0.0.1:1"], { clock, signal: new AbortController().signal });
    await expect(asking).rejects.toMatchObject(failed(/^GET \/ was not answered: 127\.0\.0\.1:1: /));
  });
});

test("the signal ends the asking with its reason", async () => {
  await using server = await fakeServer(() => {});
  const stop = new AbortController();
  const reason = new Error("superseded");
  const asking = askInstances(testRelease(2), [server.host], { clock: new ImpatientClock(), signal: stop.signal });
  const outcome = asking.catch((error: unknown) => error);
  await until(() => server.seen.length === 1);
  stop.abort(reason);
  expect(await outcome).toBe(reason);
});
