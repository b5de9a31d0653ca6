import { type AddressInfo, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { TestData } from "./test-ingress.ts";
import { everything, Ingress, open, siteSnapshot } from "./test-ingress-process.ts";

describe("clients that mean ill", () => {
  test("a client that sends its head too slowly, or never, or too much of it, is let go", async () => {
    await using data = await TestData.make();
    const limits = { headMs: 100, checkMs: 20, keepAliveMs: 1_000 };
    await using ingress = await Ingress.start(data, siteSnapshot(data, { "index.html": "home" }), limits);
    const silent = await open(ingress.http);
    expect(await everything(silent)).toBe("");
    const slow = await open(ingress.http);
    slow.write("GET / HTTP/1.1\r\nHost: blog");
    expect(await everything(slow)).toContain("408 Request Timeout");
    const long = await open(ingress.http);
    long.write(`GET / HTTP/1.1\r\nHost: blog.test\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(await everything(long)).toContain("431 Request Header Fields Too Large");
    const garbage = await open(ingress.http);
    garbage.write("\x16\x03\x01 hello\r\n\r\n");
    expect(await everything(garbage)).toContain("400 Bad Request");
  });

  test("a client that does not read its answer is let go, and others are served meanwhile", async () => {
    await using data = await TestData.make();
    const files = { "index.html": "home", "big.bin": Buffer.alloc(30_000_000) };
    await using ingress = await Ingress.start(data, siteSnapshot(data, files), { stalledMs: 200 });
    const reader = await open(ingress.http);
    reader.pause();
    reader.write("GET /big.bin HTTP/1.1\r\nHost: blog.test\r\n\r\n");
    while (ingress.process.status().requests < 1) await new Promise(setImmediate);
    expect((await ingress.ask()).body.toString()).toBe("home");
    while (ingress.process.status().connections > 0) await new Promise(setImmediate);
    reader.destroy();
  });

  test("requests that come at once on one connection are answered in turn, and few may wait", async () => {
    await using data = await TestData.make();
    const big = Buffer.alloc(1 << 20, "b");
    await using ingress = await Ingress.start(
      data,
      siteSnapshot(data, { "index.html": "<h1>ok</h1>", "big.bin": big }),
    );
    const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: blog.test\r\n${more}\r\n`;

    const patient = await open(ingress.http);
    patient.write(get("/big.bin").repeat(3) + get("/").repeat(20) + get("/", "Connection: close\r\n"));
    const answers = await everything(patient);
    expect(answers.split("HTTP/1.1 200 OK").length - 1).toBe(24);
    expect(answers.length).toBeGreaterThan(3 * big.length);
    expect(answers.endsWith("<h1>ok</h1>")).toBe(true);

    // A chunk of the file for each of these would be 60 MB, for one connection.
    const before = process.memoryUsage().arrayBuffers;
    const greedy = await open(ingress.http);
    const ended = new Promise((resolve) => greedy.once("close", resolve).on("error", () => {}));
    greedy.write(get("/big.bin").repeat(500));
    greedy.resume();
    await ended;
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 << 20);
    expect((await ingress.ask()).status).toBe(200);
  });

  test("nobody makes the server shake hands over and over on one connection", async () => {
    await using data = await TestData.make();
    const snapshot = siteSnapshot(data, { "index.html": "home" });
    snapshot.defaultCertificate = data.certificate("default");
    snapshot.certificates.push({ domains: ["blog.test"], file: data.certificate("blog") });
    await using ingress = await Ingress.start(data, snapshot);
    for (const servername of ["blog.test", "other.test"]) {
      const options = { host: "127.0.0.1", port: ingress.https, servername, rejectUnauthorized: false };
      const socket = connectTls({ ...options, maxVersion: "TLSv1.2" });
      await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
      const error = await new Promise((resolve) => {
        socket.on("error", resolve);
        socket.renegotiate({}, resolve);
      });
      expect(error).toBeInstanceOf(Error);
      socket.destroy();
    }
    expect((await ingress.ask({ tls: true })).status).toBe(200);
  });

  test("two Host headers are refused: whoever stands before might have looked at the other", async () => {
    await using data = await TestData.make();
    await using ingress = await Ingress.start(data, siteSnapshot(data, { "index.html": "home" }));
    const socket = await open(ingress.http);
    socket.write("GET / HTTP/1.1\r\nHost: blog.test\r\nHost: other.test\r\nConnection: close\r\n\r\n");
    expect(await everything(socket)).toContain("400 Bad Request");
  });

  test("nobody takes the length of a body away on its way to control, to hide a second request in it", async () => {
    await using data = await TestData.make();
    const seen: string[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (chunk) => {
        seen.push(chunk.toString("latin1"));
        socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const snapshot = siteSnapshot(data, { "index.html": "home" });
    snapshot.routes.set("api.test", { kind: "control", target: { host: "127.0.0.1", port }, redirectToHttps: false });
    await using ingress = await Ingress.start(data, snapshot);
    const hidden = "GET /hidden HTTP/1.1\r\n\r\n";
    const socket = await open(ingress.http);
    const answer = everything(socket);
    socket.write(
      `GET / HTTP/1.1\r\nHost: api.test\r\nConnection: close, content-length, host, authorization, x-other\r\nAuthorization: Bearer x\r\n` +
        `X-Other: y\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    );
    expect(await answer).toContain("204 No Content");
    server.close();
    const head = seen.join("").split("\r\n\r\n", 1)[0]?.toLowerCase();
    expect(head).toContain(`content-length: ${hidden.length}`);
    expect(head).toContain("host: api.test");
    expect(head).toContain("authorization: bearer x");
    expect(head).not.toContain("x-other");
  });
});
