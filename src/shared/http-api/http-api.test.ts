import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, test } from "vitest";
import { type Answerer, fakeServer } from "../../../test/support/fake-server.ts";
import { ImpatientClock, whileTimePasses } from "../../../test/support/impatient-clock.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { SteppeError } from "../errors.ts";
import { Fields } from "../json/fields.ts";
import type { ApiCall } from "./api-call.ts";
import type { ApiErrors } from "./api-errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { HttpApi, type HttpApiOptions } from "./http-api.ts";

const errors: ApiErrors = {
  unreachable: ({ operation, subject }, server, error, mayBeDone) =>
    new SteppeError("API_UNREACHABLE", { operation, subject, cause: `${server}: ${error.message}, ${mayBeDone}` }),
  answer: ({ operation, subject }, unexpected) =>
    new SteppeError("NOT_FOUND", { operation, subject, cause: unexpected.message }, { cause: unexpected }),
  invalid: ({ operation, subject }, _server, why) => new SteppeError("INTERNAL", { operation, subject, cause: why }),
  isTransient: ({ status, said }) => status === 500 && said === "no leader",
};

const GET: ApiCall = { operation: "read", subject: "it", method: "GET", path: ["v1", "it"] };
const PUT: ApiCall = { operation: "set", subject: "it", method: "PUT", path: ["v1", "it"], content: "x" };

function open(endpoint: Endpoint, options: Partial<HttpApiOptions> = {}): { api: HttpApi; clock: ImpatientClock } {
  const clock = new ImpatientClock();
  const common = { endpoint, tls: {}, headers: {}, query: {}, errors, clock, random: () => 0.5 };
  return { api: new HttpApi({ ...common, ...options }), clock };
}

async function serving(answer: Answerer, options: Partial<HttpApiOptions> = {}) {
  const server = await fakeServer(answer);
  return { ...server, ...open({ url: new URL(`http://${server.host}/`) }, options) };
}

describe("a request", () => {
  test("has its path, query, body and fields as they were given", async () => {
    await using server = await serving((_, response) => response.end('{"Index":18446744073709551615}'), {
      headers: { "x-token": "secret" },
      query: { ns: "a b", dc: "d" },
    });
    const answer = await server.api.request({
      ...PUT,
      path: ["v1", "a/b", "ü ?#&", "100%"],
      query: { recurse: true, none: undefined, filter: 'a == "b"', dc: undefined, topic: ["Job", "Node:*"] },
      content: undefined,
      json: { Index: 18446744073709551615n, Name: "x" },
    });
    const [{ target, body, headers } = { target: "", body: Buffer.alloc(0), headers: {} }] = server.seen;
    expect(target).toBe(
      "/v1/a%2Fb/%C3%BC%20%3F%23%26/100%25?ns=a%20b&recurse&filter=a%20%3D%3D%20%22b%22&topic=Job&topic=Node%3A*",
    );
    expect(body.toString()).toBe('{"Index":18446744073709551615,"Name":"x"}');
    expect(headers).toMatchObject({ "x-token": "secret", "content-type": "application/json" });
    expect(answer.json()).toEqual({ Index: 2n ** 64n - 1n });
  });

  test("blocks with an index and not without, and gives the server its time", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = await serving(({ target }, response) => {
      if (target === "/v1/it") response.end();
      else resolve();
    });
    await server.api.request({ ...GET, blocking: { index: 0n, waitMs: 60_000 } });
    const blocked = server.api.request({ ...GET, blocking: { index: 7n, waitMs: 64_000 } });
    await asked;
    await expect(whileTimePasses(server.clock, 70_000, blocked)).rejects.toThrow("it did not answer within 83 s");
    expect(server.seen.map(({ target }) => target)).toEqual(["/v1/it", "/v1/it?index=7&wait=64s"]);
  });

  test.each([[""], ["."], [".."], ["\ud800"]])("does not go where a name would lead it: %j", async (name) => {
    await using server = await serving((_, response) => response.end());
    await expect(server.api.request({ ...GET, path: ["v1", name, "delete"] })).rejects.toMatchObject({ code: "USAGE" });
    expect(server.seen).toEqual([]);
  });

  test("over a unix socket", async () => {
    using folder = temporaryFolder("unix");
    await using server = createServer((request, response) => response.end(JSON.stringify(request.url)));
    await once(server.listen(folder.file("s")), "listening");
    const { api } = open({ url: new URL("http://localhost/"), socketPath: folder.file("s") });
    expect((await api.request(GET)).json()).toBe("/v1/it");
    expect(api.server).toBe(folder.file("s"));
    api[Symbol.dispose]();
  });

  test("goes below a path that the address has", async () => {
    await using server = await fakeServer((_, response) => response.end());
    await open({ url: new URL(`http://${server.host}/consul/`) }).api.request(GET);
    expect(server.seen[0]?.target).toBe("/consul/v1/it");
  });
});

describe("a failure", () => {
  test("keeps status, body and what was expected", async () => {
    await using server = await serving((_, response) => response.writeHead(409).end("a\u001b[31mb\nc\n"));
    await expect(server.api.request({ ...GET, expect: [200, 404] })).rejects.toMatchObject({
      reason: `${server.host} answered 409 Conflict: a\ufffd[31mb c`,
      cause: { status: 409, body: "a\u001b[31mb\nc", expected: [200, 404] },
    });
  });

  test("that passes is tried again, if it does no harm twice", async () => {
    const answers = [500, 503, 200];
    const answer: Answerer = (_, response) => response.writeHead(answers.shift() ?? 200).end("no leader");
    await using server = await serving(answer);
    expect((await server.api.request(GET)).status).toBe(200);
    expect(server.clock.waits).toEqual([200, 400]);
    answers.push(500);
    await expect(server.api.request(PUT)).rejects.toMatchObject({ cause: { status: 500 } });
    answers.push(500, 200);
    expect((await server.api.request({ ...PUT, repeatable: true })).status).toBe(200);
    expect(server.seen).toHaveLength(6);
  });

  test("of any other kind is not", async () => {
    await using server = await serving((_, response) => response.writeHead(500).end("invalid"));
    await expect(server.api.request(GET)).rejects.toMatchObject({ cause: { said: "invalid" } });
    expect(server.seen).toHaveLength(1);
  });

  test("since it came too often is tried again, whatever it is, when the server says", async () => {
    let first = true;
    await using server = await serving((_, response) => {
      if (first) response.writeHead(429, { "retry-after": "3" }).end();
      else response.end();
      first = false;
    });
    expect((await server.api.request(PUT)).status).toBe(200);
    expect(server.clock.waits).toEqual([3200]);
  });

  test("of a blocking query is told at once", async () => {
    await using server = await serving((_, response) => response.writeHead(503).end());
    const blocking = { index: 3n, waitMs: 1000 };
    await expect(server.api.request({ ...GET, blocking })).rejects.toMatchObject({ cause: { status: 503 } });
    expect(server.seen).toHaveLength(1);
  });

  test("with an endless or broken body says its status all the same", async () => {
    await using server = await serving(({ target }, response) => {
      response.writeHead(500);
      if (target === "/v1/it") response.end("x".repeat(100_000));
      else response.write("x", () => response.destroy());
    });
    await expect(server.api.request(GET)).rejects.toMatchObject({ cause: { status: 500, body: "" } });
    await expect(server.api.request({ ...GET, path: ["v1"] })).rejects.toMatchObject({
      cause: { status: 500, body: "" },
    });
  });
});

describe("a connection", () => {
  test("that breaks off in the middle of an answer is made anew, for what does no harm twice", async () => {
    let tries = 0;
    await using server = await serving((_, response) => {
      if (++tries % 2 === 1) response.writeHead(200, { "content-length": "9" }).write("[1,2", () => response.destroy());
      else response.end("[1,2,3,4]");
    });
    expect((await server.api.request(GET)).text()).toBe("[1,2,3,4]");
    await expect(server.api.request(PUT)).rejects.toThrow("the connection broke off, true");
    expect(tries).toBe(3);
  });

  test("that nobody takes is tried again, whatever it is: nothing was sent", async () => {
    const gone = await fakeServer(() => {});
    await gone[Symbol.asyncDispose]();
    const { api, clock } = open({ url: new URL(`http://${gone.host}/`) });
    await expect(api.request(PUT)).rejects.toThrow("nothing listens there (connection refused), false");
    expect(clock.waits).toHaveLength(3);
  });

  test("that falls silent is given up: before the answer, and within it", async () => {
    await using server = await serving(({ target }, response) => {
      const pass = (): void => {
        server.clock.pass(1000);
        if (!response.destroyed) setImmediate(pass);
      };
      if (target === "/v1/it") pass();
      else response.writeHead(200, { "content-length": "9" }).write("[1,2", pass);
    });
    await expect(server.api.request(PUT)).rejects.toThrow("did not answer within 15 s, true");
    await expect(server.api.request({ ...PUT, path: ["v1"] })).rejects.toThrow("nothing came for 15 s, true");
  });

  test("that gives an answer a byte at a time, without end, is given up as well", async () => {
    await using server = await serving((_, response) => {
      const trickle = (): void => {
        server.clock.pass(1000);
        if (!response.destroyed) response.write(" ", () => setImmediate(trickle));
      };
      trickle();
    });
    await expect(server.api.request(PUT)).rejects.toThrow("it took longer than 80 s, true");
  });

  test("is used again", async () => {
    const ports = new Set<number | undefined>();
    await using server = await serving((_, response) => {
      ports.add(response.req.socket.remotePort);
      response.end("x".repeat(1000));
    });
    for (let turn = 0; turn < 5; turn++) await server.api.request(GET);
    expect(ports.size).toBe(1);
  });

  test("ends with the signal", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = await serving(() => resolve());
    const stop = new AbortController();
    const request = server.api.request({ ...GET, signal: stop.signal });
    await asked;
    stop.abort(new Error("enough"));
    await expect(request).rejects.toThrow("enough");
  });
});

describe("an answer", () => {
  test("that is too long is not read to its end", async () => {
    await using server = await serving(({ target }, response) => {
      if (target === "/v1/it") response.writeHead(200, { "content-length": "2000000" });
      response.write("x".repeat(1_000_000));
      response.end("x".repeat(1_000_000));
    });
    const call = { ...GET, mostBytes: 1_500_000 };
    await expect(server.api.request(call)).rejects.toThrow("its answer is longer than 1500000 bytes");
    await expect(server.api.request({ ...call, path: ["v1"] })).rejects.toThrow("longer than 1500000 bytes");
  });

  test("that is no JSON, or something else, is invalid; what is our own fault is not", async () => {
    await using server = await serving(({ target }, response) => response.end(target === "/v1/it" ? "<html>" : "[]"));
    const name = (call: ApiCall) => server.api.read(call, (answer) => Fields.of(answer.json()).text("Name"));
    await expect(name(GET)).rejects.toThrow("its answer is no JSON");
    await expect(name({ ...GET, path: ["v1"] })).rejects.toThrow("of its answer it is a list, not an object");
    await expect(
      server.api.read(GET, () => {
        throw new TypeError("ours");
      }),
    ).rejects.toThrow(TypeError);
  });

  test("that goes on is read as it comes; one that was not expected is read for its error", async () => {
    await using server = await serving(({ target }, response) => {
      if (target !== "/v1/it") response.writeHead(400).end("bad topic");
      else response.write("a", () => response.end("b"));
    });
    using answer = await server.api.open(GET);
    let text = "";
    for await (const chunk of answer.body()) text += chunk.toString();
    expect(text).toBe("ab");
    await expect(server.api.open({ ...GET, path: ["v1"] })).rejects.toMatchObject({ cause: { body: "bad topic" } });
  });
});
