import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HttpConnection } from "./http-connection.ts";
import { TestServer } from "./test-support/test-server.ts";

const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${more}\r\n`;
const count = (text: string, part: string): number => text.split(part).length - 1;

/** Answers with the path; `/later…` in a later turn, `/body` with the body that was sent, `/big…` with 20 MB. */
function echo(connection: HttpConnection): void {
  const { target } = connection.core.request;
  const answer = (text: string): void =>
    connection.send("200 OK", `Content-Length: ${text.length}\r\n`, Buffer.from(text, "latin1"));
  if (target.startsWith("/later")) {
    connection.begin(true);
    setImmediate(() => answer(target));
  } else if (target === "/body") {
    connection.begin(true);
    const content: Buffer[] = [];
    connection.current.readBody({
      data: (piece) => content.push(piece) > 0,
      end: () => answer(`<${Buffer.concat(content).toString("latin1")}>`),
      fail: () => connection.abort(),
    });
  } else if (target.startsWith("/big")) {
    void sendBig(connection);
  } else {
    answer(target);
  }
}

const BIG = 20 << 20;

async function sendBig(connection: HttpConnection): Promise<void> {
  connection.begin(true);
  connection.writer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\n\r\n`);
  const piece = Buffer.alloc(1 << 20, "b");
  for (let sent = 0; sent < BIG && !connection.isClosed; sent += piece.length) {
    await connection.writer.writeLent(piece);
  }
  connection.finish();
}

describe("a connection", () => {
  test("is kept alive, and ends when the client wants it, or speaks HTTP/1.0", async () => {
    await using server = await TestServer.start(echo);
    const client = await server.open();
    client.socket.write(get("/a"));
    expect(await client.until((text) => text.endsWith("/a"))).toMatch(/^HTTP\/1\.1 200 OK\r\nDate: .{29}\r\nContent-/);
    client.socket.write(get("/b", "Connection: close\r\n"));
    expect(await client.end()).toMatch(/Connection: close\r\n[^]*\/b$/);
    const old = await server.open();
    old.socket.write("GET /c HTTP/1.0\r\n\r\n");
    expect(await old.end()).toMatch(/Connection: close\r\n[^]*\/c$/);
    const kept = await server.open();
    kept.socket.write("GET /d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(await kept.until((text) => text.endsWith("/d"))).toContain("Connection: keep-alive\r\n");
    expect(server.listener.requests).toBe(4);
  });

  test("answers in turn however what comes is cut, some answers later than others", async () => {
    await using server = await TestServer.start(echo);
    const request = fc.constantFrom("/now", "/later", "/body", "/chunks");
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 6 }),
        async (requests, sizes) => {
          const client = await server.open();
          const texts = requests.map((path, i) => {
            if (path === "/body") return `POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n#${i}`;
            if (path !== "/chunks") return get(`${path}${i}`);
            return `POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n#\r\n1;x\r\n${i}\r\n0\r\n\r\n`;
          });
          const bytes = texts.join("");
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            client.socket.write(bytes.slice(at, at + size));
            at += size;
            await new Promise(setImmediate);
          }
          client.socket.end(); // half closed: what was asked is still answered
          const answers = await client.end();
          const bodies = requests.map((path, i) => (["/body", "/chunks"].includes(path) ? `<#${i}>` : `${path}${i}`));
          const found = [...answers.matchAll(/\r\n\r\n(.*?)(?=HTTP\/1\.1|$)/gs)].map(([, body]) => body);
          expect(found).toEqual(bodies);
        },
      ),
      { numRuns: 40 },
    );
    expect(server.faults).toEqual([]);
  });

  test("10,000 requests at once are answered, without piling up", async () => {
    await using server = await TestServer.start(echo);
    const client = await server.open();
    client.socket.write(get("/x").repeat(10_000));
    await client.until((text) => count(text, "200 OK") === 10_000 && text.endsWith("/x"));
  });

  test("whoever asks and does not read is not read from either", async () => {
    await using server = await TestServer.start(echo);
    const client = await server.open();
    client.socket.pause();
    let sent = 0;
    const piece = get("/x".padEnd(4000, "x")).repeat(100);
    const taken = (): Promise<boolean> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), 300);
        client.socket.write(piece, () => {
          clearTimeout(timer);
          resolve(true);
        });
      });
    while (sent < 64 << 20 && (await taken())) sent += piece.length;
    expect(sent).toBeLessThan(64 << 20);
    client.socket.destroy();
  });

  test("few may wait behind an answer that takes long", async () => {
    await using server = await TestServer.start(echo);
    const patient = await server.open();
    patient.socket.write(get("/big") + get("/x").repeat(30) + get("/y", "Connection: close\r\n"));
    expect((await patient.end()).length).toBeGreaterThan(BIG);
    const greedy = await server.open();
    greedy.socket.write(get("/big") + get("/big").repeat(100));
    expect((await greedy.end()).length).toBeLessThan(2 * BIG);
  });

  test("a client that takes nothing is let go; one that goes away while it is answered stops the answer", async () => {
    await using server = await TestServer.start(echo, { stalledMs: 100 });
    const lazy = await server.open();
    lazy.socket.pause();
    lazy.socket.write(get("/big"));
    while (server.listener.requests < 1 || server.listener.connections > 0) await new Promise(setImmediate);
    const gone = await server.open();
    gone.socket.write(get("/big"));
    await gone.until((text) => text.length > 1000);
    gone.socket.resetAndDestroy();
    while (server.listener.connections > 0) await new Promise(setImmediate);
    expect(server.faults).toEqual([]);
  });

  test("a client that takes its answer, or sends its body, too slowly is let go", async () => {
    await using server = await TestServer.start(echo, { leastRate: 1e9, rateGraceMs: 100, stalledMs: 60_000 });
    const reader = await server.open();
    reader.socket.pause();
    reader.socket.write(get("/big"));
    while (server.listener.requests < 1 || server.listener.connections > 0) await new Promise(setImmediate);
    await using slow = await TestServer.start(echo, { leastRate: 1e9, stalledMs: 100 });
    const writer = await slow.open();
    writer.socket.write("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    const drip = setInterval(() => writer.socket.write("x"), 20); // stalled it is not
    while (slow.listener.requests < 1 || slow.listener.connections > 0) await new Promise(setImmediate);
    clearInterval(drip);
    expect([...server.faults, ...slow.faults]).toEqual([]);
  });

  test("a client that takes the end of the last answer slowly gets all of it", async () => {
    await using server = await TestServer.start(echo, { lingerMs: 40, stalledMs: 2_000 });
    const client = await server.open();
    client.socket.pause();
    client.socket.write(get("/big", "Connection: close\r\n"));
    while (server.listener.requests < 1) await new Promise(setImmediate);
    // Meanwhile another has had the time that one has after its answer was sent.
    const other = await server.open();
    other.socket.write("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    while (server.listener.requests < 2 || server.listener.connections > 1) await new Promise(setImmediate);
    client.socket.resume();
    expect((await client.end()).length).toBeGreaterThan(BIG);
  });

  test("a body that nobody reads ends the connection after the answer, which the client still sees", async () => {
    await using server = await TestServer.start(echo, { lingerMs: 100 });
    const client = await server.open();
    client.socket.write(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n`);
    client.socket.write(Buffer.alloc(3_000_000));
    expect(await client.end()).toMatch(/Connection: close\r\n[^]*\/x$/);
    while (server.listener.connections > 0) await new Promise(setImmediate);
    expect(count(client.text, "HTTP/1.1")).toBe(1);
  });

  test("100 (Continue) is sent when the body is wanted, and not for an answer that needs none", async () => {
    await using server = await TestServer.start(echo);
    const asking = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`;
    const client = await server.open();
    client.socket.write(asking("/body"));
    expect(await client.until((text) => text.endsWith("\r\n\r\n"))).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    client.socket.write("hi");
    await client.until((text) => text.endsWith("<hi>"));
    client.socket.write(asking("/x"));
    const text = await client.end();
    expect(count(text, "100 Continue")).toBe(1);
    expect(text).toMatch(/Connection: close\r\n[^]*\/x$/);
  });

  test("what is no request is refused and ends the connection", async () => {
    await using server = await TestServer.start(echo);
    for (const [text, status] of [
      ["\x16\x03\x01 hello\r\n\r\n", 400],
      ["GET / HTTP/1.1\r\n\r\n", 400],
      ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
      ["GET / HTTP/1.1\nHost: a\n\n", 400],
      ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
      [`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`, 431],
      [`GET /${"x".repeat(10_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ] as const) {
      const client = await server.open();
      client.socket.write(text + get("/x"));
      const answer = await client.end();
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(count(answer, "HTTP/1.1 ")).toBe(1);
    }
    expect(server.refused).toHaveLength(7);
  });

  test("a body that is not chunked as it should be ends the connection", async () => {
    await using server = await TestServer.start(echo);
    const client = await server.open();
    client.socket.write(
      `POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n${get("/x")}`,
    );
    expect(await client.end()).toBe("");
  });

  test("time limits: silence, a slow head, an idle connection", async () => {
    await using server = await TestServer.start(echo, { headMs: 80, keepAliveMs: 80 });
    const silent = await server.open();
    expect(await silent.end()).toBe("");
    const slow = await server.open();
    slow.socket.write("GET / HTTP/1.1\r\nHo");
    expect(await slow.end()).toMatch(/^HTTP\/1.1 408 /);
    const idle = await server.open();
    idle.socket.write(get("/x"));
    expect(await idle.end()).toMatch(/\/x$/);
  });

  test("while it drains, the next answer is the last", async () => {
    await using server = await TestServer.start(echo);
    const client = await server.open();
    client.socket.write(get("/x"));
    await client.until((text) => text.endsWith("/x"));
    server.listener.drain();
    client.socket.write(get("/y"));
    expect(await client.end()).toMatch(/Connection: close\r\n[^]*\/y$/);
  });

  test("an error in answering ends the one connection", async () => {
    await using server = await TestServer.start((connection) => {
      if (connection.core.request.target === "/bad") throw new Error("nobody expected this");
      echo(connection);
    });
    const bad = await server.open();
    bad.socket.write(get("/bad"));
    expect(await bad.end()).toBe("");
    expect(server.faults).toEqual([new Error("nobody expected this")]);
    const good = await server.open();
    good.socket.write(get("/x", "Connection: close\r\n"));
    expect(await good.end()).toMatch(/\/x$/);
  });
});
