import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { fakeServer, testClient, whileTimePasses } from "./fakes.ts";

const ok = 200;

describe("a registry that is busy", () => {
  test("is asked again, with growing delays", async () => {
    const statuses = [502, 503, 504, 429, ok];
    await using server = await fakeServer((_, response) => response.writeHead(statuses.shift() ?? 500).end());
    const { client, clock } = testClient();
    await client.ping(server.host);
    expect(clock.waits).toEqual([500, 1000, 2000, 4000]);
  });

  test("is asked again when it says: in seconds, or by a date", async () => {
    const { client, clock } = testClient();
    const fields = ["7", new Date(clock.now() + 7250 + 30_000).toUTCString(), undefined];
    await using server = await fakeServer((_, response) => {
      const field = fields.shift();
      if (field === undefined) response.end();
      else response.writeHead(429, { "retry-after": field }).end();
    });
    await client.ping(server.host);
    expect(clock.waits[0]).toBe(7250);
    // Dates have whole seconds.
    expect(Math.abs(clock.waits[1]! - 30_250)).toBeLessThanOrEqual(1000);
  });

  test("is asked only so often; what it said is told", async () => {
    const body = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}';
    await using server = await fakeServer((_, response) => response.writeHead(429, { "retry-after": "1" }).end(body));
    await expect(testClient().client.ping(server.host)).rejects.toMatchObject({
      code: "REGISTRY_LIMITED",
      subject: server.host,
      reason:
        `${server.host} answered 429 Too Many Requests: TOOMANYREQUESTS: You have reached your pull rate limit.` +
        " (try again in 1 s)",
    });
    expect(server.seen).toHaveLength(5);
  });

  test("that wants to be left alone for hours is left alone at once", async () => {
    await using server = await fakeServer((_, response) => response.writeHead(429, { "retry-after": "21600" }).end());
    await expect(testClient().client.ping(server.host)).rejects.toThrow("try again in 21600 s");
    expect(server.seen).toHaveLength(1);
  });

  test.for([
    [400, "REGISTRY_REFUSED"],
    [403, "REGISTRY_DENIED"],
    [404, "REGISTRY_ANSWER_INVALID"],
    [418, "REGISTRY_REFUSED"],
    [500, "REGISTRY_UNREACHABLE"],
    [204, "REGISTRY_ANSWER_INVALID"],
  ] as const)("but one that answers %i is not", async ([status, code]) => {
    await using server = await fakeServer((_, response) => response.writeHead(status).end());
    await expect(testClient().client.ping(server.host)).rejects.toMatchObject({ code });
    expect(server.seen).toHaveLength(1);
  });

  test("an error's page, or what a terminal would obey, is not passed on", async () => {
    const bodies = ["<html>Bad gateway</html>", '{"errors":[{"message":"a\\u001b[31m\\nb"}]}', "x".repeat(100_000)];
    await using server = await fakeServer((_, response) => response.writeHead(400).end(bodies.shift()));
    const { client } = testClient();
    await expect(client.ping(server.host)).rejects.toMatchObject({ reason: `${server.host} answered 400 Bad Request` });
    await expect(client.ping(server.host)).rejects.toMatchObject({
      reason: `${server.host} answered 400 Bad Request: a\ufffd[31m b`,
    });
    await expect(client.ping(server.host)).rejects.toMatchObject({ reason: `${server.host} answered 400 Bad Request` });
  });
});

describe("a connection", () => {
  test("that nobody takes is tried again, then told", async () => {
    const gone = await fakeServer(() => {});
    await gone[Symbol.asyncDispose]();
    const { client, clock } = testClient();
    await expect(client.ping(gone.host)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      reason: `${gone.host}: nothing listens there (connection refused)`,
    });
    expect(clock.waits).toHaveLength(4);
  });

  test("that breaks off is tried again", async () => {
    let tries = 0;
    await using server = await fakeServer((_, response) => {
      if (++tries < 3) response.destroy();
      else response.end();
    });
    const { client, clock } = testClient();
    await client.ping(server.host);
    expect(clock.waits).toHaveLength(2);
  });

  test("to a host that does not exist is not", async () => {
    const { client, clock } = testClient();
    // Longer than a label may be (RFC 1035, 2.3.4): known to be none also where no name server can be asked.
    const host = `${"a".repeat(64)}.invalid`;
    await expect(client.ping(host)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      reason: `${host}: its host name is not known`,
    });
    expect(clock.waits).toEqual([]);
  });

  test("that speaks no TLS says what to do", async () => {
    await using server = await fakeServer((_, response) => response.end());
    const { client } = testClient({ settings: () => ({ insecure: false }) });
    await expect(client.ping(server.host)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      hint: expect.stringContaining("--insecure-registry"),
    });
  });

  test("that speaks no HTTP says so", async () => {
    await using server = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .end("SSH-2.0-OpenSSH\r\n"),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await expect(testClient().client.ping(`127.0.0.1:${port}`)).rejects.toThrow("its answer is no HTTP");
  });

  test.for([
    [
      "that is taken for another protocol",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
    ["that is only told to go on, and closed", "HTTP/1.1 100 Continue\r\n\r\n"],
  ] as const)("%s comes to an end", async ([, answer]) => {
    await using server = createServer((socket) => {
      socket.on("error", () => {}).once("data", () => socket.write(answer, () => socket.end()));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const asked = testClient().client.ping(`127.0.0.1:${port}`);
    await expect(asked).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  });

  test("without an answer is given up", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = await fakeServer(() => resolve());
    const { client, clock } = testClient({ retry: { attempts: 1 } });
    const pinged = client.ping(server.host);
    await asked;
    await expect(whileTimePasses(clock, 200_000, pinged)).rejects.toThrow("it did not answer within 120 s");
  });

  test("ends with the signal, in whatever it is", async () => {
    await using server = await fakeServer(() => {});
    const stop = new AbortController();
    const { client } = testClient();
    const asked = client.ping(server.host, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
    await expect(client.ping(server.host, { signal: stop.signal })).rejects.toThrow("enough");
  });
});
