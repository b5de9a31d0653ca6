import { createHmac } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { describe, expect, test } from "vitest";
import { until } from "../../test/support/until.ts";
import { FakeClock, systemClock } from "../shared/clock.ts";
import { numbered, post, rawConnection, startReceiver } from "./fakes.ts";
import { redeliver } from "./redeliver.ts";
import { sample, SECRET } from "./senders/fakes.ts";

const JSON_TYPE = { "content-type": "application/json" };
const bearer = { authorization: `Bearer ${SECRET}` };

describe("a body", () => {
  const quay = `/hooks/quay/${SECRET}`;

  test("that is malformed is 400, and journaled with its body", async () => {
    await using running = await startReceiver();
    expect(await post(running.port, quay, JSON_TYPE, "{")).toMatchObject({
      status: 400,
      json: { code: "DELIVERY_MALFORMED", cause: "the body is no JSON" },
    });
    expect(running.table.get(1)).toMatchObject({ verdict: "refused", status: 400, bodyBytes: 1 });
    expect(running.table.get(1)?.body).not.toBeNull();
  });

  test.each(["distribution", "gitlab"])(
    "that is malformed never blocks the queue of %s: 202, journaled",
    async (webhook) => {
      await using running = await startReceiver();
      const headers = { ...numbered(1).headers, ...bearer };
      for (const body of ["{", "", "[]", '{"events":[{"action":1}]}']) {
        const answer = await post(running.port, `/hooks/${webhook}`, headers, body);
        expect(answer).toMatchObject({ status: 202, json: { verdict: "refused" } });
      }
      expect(running.table.list({ limit: 9 })).toMatchObject(
        [4, 3, 2, 1].map((id) => ({ id, verdict: "refused", status: 202 })),
      );
    },
  );

  test("of 100 MB is 413 before it is sent", async () => {
    await using running = await startReceiver({ clock: systemClock });
    for (const expect100 of [{}, { expect: "100-continue" }]) {
      const headers = { "content-length": "100000000", ...expect100 };
      const request = httpRequest({ port: running.port, path: quay, method: "POST", headers, agent: false });
      let isAsked = false;
      request.on("continue", () => (isAsked = true)).on("error", () => {});
      request.flushHeaders();
      const [response] = (await once(request, "response")) as [{ statusCode: number }];
      expect(response.statusCode).toBe(413);
      expect(isAsked).toBe(false);
      request.destroy();
    }
    expect(running.table.list({ limit: 9 })).toMatchObject([1, 2].map(() => ({ status: 413, verdict: "refused" })));
  });

  test("of 100 MB whose length is not told is 413 once it is too large", async () => {
    await using running = await startReceiver({ clock: systemClock });
    const body = Buffer.alloc(100_000_000, " ");
    const headers = { "transfer-encoding": "chunked" };
    expect((await post(running.port, quay, headers, body)).status).toBe(413);
    // Who is proven by a header alone would send it again for ever.
    expect((await post(running.port, "/hooks/distribution", { ...headers, ...bearer }, body)).status).toBe(202);
    // Of who signs, it is not known yet who it is.
    expect((await post(running.port, "/hooks/github", headers, body)).status).toBe(413);
    expect(running.table.list({ limit: 9 }).map(({ status }) => status)).toEqual([413, 202, 413]);
  });

  test("is asked for if the sender waits for that, and it will be read", async () => {
    await using running = await startReceiver({ clock: systemClock });
    const { headers, body } = sample("quay-push");
    const request = httpRequest({
      port: running.port,
      path: quay,
      method: "POST",
      headers: { ...headers, expect: "100-continue", "content-length": String(body.length) },
      agent: false,
    });
    request.flushHeaders();
    await once(request, "continue");
    request.end(body);
    const [response] = (await once(request, "response")) as [{ statusCode: number }];
    expect(response.statusCode).toBe(202);
  });

  test("that does not come is 408, and journaled", async () => {
    const clock = new FakeClock();
    await using running = await startReceiver({ clock });
    const { socket, received, closed } = await rawConnection(running.port);
    socket.write(`POST ${quay} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{`);
    await until(() => clock.sleeping > 0);
    for (let second = 0; second < 9; second++) {
      await clock.advance(1000);
      socket.write(" "); // a byte now and then buys no time
    }
    expect(received()).toBe("");
    while (!received().includes("408")) await clock.advance(1001);
    await clock.advance(3000);
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 408 [^]*BODY_TIMEOUT/);
    expect(running.table.get(1)).toMatchObject({ status: 408, verdict: "refused" });
  });

  test("large ones are read a few at a time", async () => {
    await using running = await startReceiver({ clock: systemClock, limits: { largeBodies: 1, largeBytes: 1000 } });
    const first = await rawConnection(running.port);
    first.socket.write(`POST ${quay} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n${" ".repeat(2000)}`);
    // Until the first is under way, the second has its place.
    const large = Buffer.concat([sample("quay-push").body, Buffer.alloc(2000, " ")]);
    let answer = await post(running.port, quay, JSON_TYPE, large);
    while (answer.status === 202) answer = await post(running.port, quay, JSON_TYPE, large);
    expect(answer).toMatchObject({ status: 503, json: { code: "RECEIVER_UNAVAILABLE" } });
    expect((await post(running.port, quay, JSON_TYPE, sample("quay-push").body)).status).toBe(202);
    first.socket.write(" ".repeat(1000));
    await until(() => first.received().includes("400"));
    expect((await post(running.port, quay, JSON_TYPE, large)).status).toBe(202);
  });

  test("that breaks off is no delivery", async () => {
    await using running = await startReceiver();
    const { socket, closed } = await rawConnection(running.port);
    socket.write(`POST ${quay} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{`);
    socket.destroy();
    await closed;
    await running.receiver.close();
    expect(running.table.list({ limit: 9 })).toEqual([]);
  });

  test("is kept only up to a size", async () => {
    await using running = await startReceiver({ limits: { keptBytes: 1000 } });
    const large = Buffer.concat([sample("quay-push").body, Buffer.alloc(2000, " ")]);
    expect((await post(running.port, quay, JSON_TYPE, large)).status).toBe(202);
    expect(running.table.get(1)).toMatchObject({ body: null, bodyBytes: large.length });
    await expect(redeliver(running.table, 1, new FakeClock())).rejects.toMatchObject({ code: "DELIVERY_NOT_FOUND" });
  });
});

describe("a connection", () => {
  const one = (body: string, path = "/hooks/quay/x"): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  test("may bring several requests at once, answered in turn", async () => {
    await using running = await startReceiver();
    const { socket, received } = await rawConnection(running.port);
    const push = sample("quay-push").body.toString();
    const path = `/hooks/quay/${SECRET}`;
    socket.write(one(push, path) + one("{", path) + one("{}") + one(push, path));
    const statuses = (): string[] => [...received().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = ""]) => status);
    await until(() => statuses().length === 4);
    socket.destroy();
    expect(statuses()).toEqual(["202", "400", "401", "202"]);
  });

  test("is cut off if it brings too many, and costs no more", async () => {
    await using running = await startReceiver();
    const { socket, closed } = await rawConnection(running.port);
    socket.write(one("{", `/hooks/quay/${SECRET}`).repeat(5000));
    await closed;
    await running.receiver.close();
    expect(running.table.list({ limit: 100 }).length).toBeLessThanOrEqual(30);
  });

  test("is cut off if a body comes byte by byte, whether or not it is read, and the listener goes on", async () => {
    await using running = await startReceiver({ clock: systemClock });
    for (const path of ["/hooks/github", "/hooks/quay/x", "/nowhere"]) {
      const { socket, received, closed } = await rawConnection(running.port);
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(5000)}`,
      );
      await closed;
      expect(received()).not.toMatch(/HTTP\/1\.1 (?:2|408)/); // it is not waited for, either
    }
    const { socket, received } = await rawConnection(running.port);
    const body = sample("quay-push").body.toString();
    const chunks = [...body].map((character) => `1\r\n${character}\r\n`).join("");
    const head = `POST /hooks/quay/${SECRET} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
    socket.write(`${head}${chunks}0\r\n\r\n`);
    await until(() => received() !== "");
    socket.destroy();
    expect(body.length).toBeLessThan(1000);
    expect(received()).toMatch(/^HTTP\/1\.1 202/);
  });

  test.each([
    ["a head that is too large", `POST / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "431"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "400"],
    [
      "length and encoding",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
      "400",
    ],
    ["no HTTP", "\u0016\u0003\u0001", "400"],
  ])("with %s is %s", async (_, text, status) => {
    await using running = await startReceiver();
    const { socket, received, closed } = await rawConnection(running.port);
    socket.write(text);
    await closed;
    expect(received()).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  });

  test("two signatures are none", async () => {
    await using running = await startReceiver();
    const body = sample("github-push-tag").body.toString();
    const signature = `X-Hub-Signature-256: sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}\r\n`;
    const { socket, received } = await rawConnection(running.port);
    const head = `POST /hooks/github HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: push\r\nContent-Length: ${body.length}\r\n`;
    socket.write(`${head}${signature}${signature}\r\n${body}`);
    await until(() => received() !== "");
    socket.destroy();
    expect(received()).toMatch(/^HTTP\/1.1 401/);
  });
});
