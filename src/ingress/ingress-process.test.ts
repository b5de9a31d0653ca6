import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { emptySnapshot, encodeSnapshot } from "./snapshot/index.ts";
import { TestData } from "./test-ingress.ts";
import { everything, Ingress, open, siteSnapshot } from "./test-ingress-process.ts";

const run = promisify(execFile);
const hasCurl = existsSync("/usr/bin/curl");

async function backend(
  handler: Parameters<typeof createServer>[1],
): Promise<{ server: Server; port: number } & AsyncDisposable> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("an ingress process", () => {
  test("without a snapshot it answers 404 to everybody", async () => {
    await using data = await TestData.make();
    await using ingress = await Ingress.start(data, emptySnapshot());
    expect(await ingress.ask()).toMatchObject({ status: 404, headers: { "cache-control": "no-store" } });
  });

  test("serves from its snapshot; other hosts get its own page", async () => {
    await using data = await TestData.make();
    await using ingress = await Ingress.start(data, siteSnapshot(data, { "index.html": "home" }));
    expect((await ingress.ask()).body.toString()).toBe("home");
    expect((await ingress.ask({ host: "BLOG.test.:99" })).body.toString()).toBe("home");
    expect((await ingress.ask({ host: "other.test" })).body.toString()).toContain("no site at this address");
    expect((await ingress.ask({ method: "POST", body: "x".repeat(1_000_000) })).status).toBe(405);
  });

  test("a damaged snapshot: the one before it", async () => {
    await using data = await TestData.make();
    const snapshot = siteSnapshot(data, { "index.html": "before" });
    writeFileSync(join(data.folders.ingress, "snapshot.json.previous"), encodeSnapshot(snapshot));
    await using ingress = await Ingress.start(data, snapshot);
    truncateSync(join(data.folders.ingress, "snapshot.json"), 50);
    expect(ingress.process.reload()).toBe(snapshot.generation);
    expect((await ingress.ask()).body.toString()).toBe("before");
  });

  test("an index that is damaged or gone is a 500, not a crash; a change to such a one is refused", async () => {
    await using data = await TestData.make();
    const snapshot = siteSnapshot(data, { "index.html": "home" });
    await using ingress = await Ingress.start(data, snapshot);
    const index = join(data.folders.sites, snapshot.sites.get("blog")?.current?.index ?? "");
    truncateSync(index, 70);
    expect((await ingress.ask()).status).toBe(500);
    rmSync(index);
    expect((await ingress.ask()).status).toBe(500);
    const next = structuredClone(snapshot);
    next.generation++;
    next.sites.get("blog")!.current = { release: 2, index: "blog/2-ff.site" };
    writeFileSync(join(data.folders.ingress, "snapshot.json.next"), encodeSnapshot(next));
    expect(() => ingress.process.prepare(next.generation)).toThrow("ENOENT");
    expect(() => ingress.process.switch(next.generation)).toThrow("was not prepared");
  });

  test("between prepare and switch, new files with a hash are reachable, and the pages are the old ones", async () => {
    await using data = await TestData.make();
    const snapshot = siteSnapshot(data, { "index.html": "one", "app.3f9a1c2b.js": "1" });
    await using ingress = await Ingress.start(data, snapshot);
    const next = structuredClone(snapshot);
    next.generation++;
    const release = data.release("blog", 2, { "index.html": "two", "app.4e8b2d3c.js": "2", "new.html": "2" });
    next.sites.set("blog", { current: release, staged: [], grace: [] });
    writeFileSync(join(data.folders.ingress, "snapshot.json.next"), encodeSnapshot(next));
    ingress.process.prepare(next.generation);
    expect((await ingress.ask()).body.toString()).toBe("one");
    expect((await ingress.ask({ path: "/app.4e8b2d3c.js" })).body.toString()).toBe("2");
    expect((await ingress.ask({ path: "/new.html" })).status).toBe(404);
    ingress.process.switch(next.generation);
    expect((await ingress.ask()).body.toString()).toBe("two");
    expect((await ingress.ask({ path: "/app.3f9a1c2b.js" })).status).toBe(404);
  });

  test("a pack that ends too early breaks the connection; one that is gone is a 500", async () => {
    await using data = await TestData.make();
    const files = { "big.bin": Buffer.alloc(2_000_000, 1), "small.txt": "small" };
    await using ingress = await Ingress.start(data, siteSnapshot(data, files));
    truncateSync(join(data.folders.packs, "1.pack"), 1_000_000);
    await expect(ingress.ask({ path: "/big.bin" })).rejects.toThrow();
    expect((await ingress.ask({ path: "/small.txt" })).status).toBe(500);
  });

  test("certificates by name, the default for others, HTTP to HTTPS", async () => {
    await using data = await TestData.make();
    const snapshot = siteSnapshot(data, { "index.html": "home" });
    snapshot.routes.set("a.wild.test", { kind: "site", app: "blog", redirectToHttps: true });
    snapshot.certificates = [
      { domains: ["blog.test"], file: data.certificate("blog") },
      { domains: ["*.wild.test"], file: data.certificate("wildcard") },
    ];
    snapshot.defaultCertificate = data.certificate("default");
    await using ingress = await Ingress.start(data, snapshot);
    const subject = async (servername?: string): Promise<string> => {
      const socket = tlsConnect({
        port: ingress.https,
        host: "127.0.0.1",
        rejectUnauthorized: false,
        ...(servername && { servername }),
      });
      await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };
    expect(await subject("blog.test")).toBe("blog.test");
    expect(await subject("x.wild.test")).toBe("*.wild.test");
    expect(await subject("x.y.wild.test")).toBe("default.test");
    expect(await subject()).toBe("default.test");
    expect((await ingress.ask({ tls: true })).body.toString()).toBe("home");
    const redirect = await ingress.ask({ host: "a.wild.test", path: "/a?b=c" });
    expect(redirect).toMatchObject({
      status: 308,
      headers: { location: `https://a.wild.test:${ingress.https}/a?b=c` },
    });
    expect((await ingress.ask({ host: "a.wild.test", tls: true })).status).toBe(200);
  });

  test("control is proxied, its answers as they come, and it is not told what clients say of themselves", async () => {
    await using data = await TestData.make();
    let release: () => void = () => {};
    await using control = await backend((request, response) => {
      response.writeHead(201, "Made", { "X-Seen": JSON.stringify(request.headers), "X-Path": request.url ?? "" });
      response.write("first");
      release = () => request.pipe(response);
    });
    const snapshot = emptySnapshot();
    const target = { host: "127.0.0.1", port: control.port };
    snapshot.routes.set("api.test", { kind: "control", target, redirectToHttps: false });
    await using ingress = await Ingress.start(data, snapshot);
    const socket = await open(ingress.http);
    socket.write(
      "POST /git/x?y HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close, x-secret\r\nX-Secret: 1\r\n\r\n",
    );
    const first = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
    expect(first).toContain("HTTP/1.1 201 Made");
    expect(first).toContain('"x-forwarded-for":"127.0.0.1"');
    expect(first).toContain('"x-forwarded-proto":"http"');
    expect(first).toContain('"host":"api.test"');
    expect(first.toLowerCase()).not.toContain('"x-secret"');
    expect(first).toContain("/git/x?y");
    const rest = everything(socket);
    release();
    socket.write("5\r\nhello\r\n0\r\n\r\n");
    expect(await rest).toContain("hello");
  });

  test("a large push streams through in bounded memory", async () => {
    await using data = await TestData.make();
    let received = 0;
    await using control = await backend((request, response) => {
      request.on("data", (chunk: Buffer) => (received += chunk.length));
      request.on("end", () => response.end(String(received)));
    });
    const snapshot = emptySnapshot();
    const target = { host: "127.0.0.1", port: control.port };
    snapshot.routes.set("api.test", { kind: "control", target, redirectToHttps: false });
    await using ingress = await Ingress.start(data, snapshot);
    const size = 192 << 20;
    const before = process.memoryUsage.rss();
    const socket = await open(ingress.http);
    const answer = everything(socket);
    socket.write(`POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`);
    const chunk = Buffer.alloc(1 << 20, 1);
    for (let sent = 0; sent < size; sent += chunk.length) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve));
    }
    expect(await answer).toContain(String(size));
    expect(process.memoryUsage.rss() - before).toBeLessThan(size * 0.75);
  });

  test("control is away: 503; it answers nonsense: 502; it refuses in the midst of a body: its answer", async () => {
    await using data = await TestData.make();
    await using broken = await backend((request) => request.socket.end("nonsense\r\n\r\n"));
    await using refusing = await backend((_request, response) =>
      response.writeHead(401, { Connection: "close" }).end("no"),
    );
    const snapshot = emptySnapshot();
    const route = (port: number) => ({
      kind: "control" as const,
      target: { host: "127.0.0.1", port },
      redirectToHttps: false,
    });
    snapshot.routes.set("away.test", {
      kind: "control",
      target: { socketPath: join(data.folder, "none") },
      redirectToHttps: false,
    });
    snapshot.routes.set("broken.test", route(broken.port));
    snapshot.routes.set("refusing.test", route(refusing.port));
    await using ingress = await Ingress.start(data, snapshot, { lingerMs: 50 });
    expect(await ingress.ask({ host: "away.test" })).toMatchObject({ status: 503, headers: { "retry-after": "2" } });
    expect((await ingress.ask({ host: "broken.test" })).status).toBe(502);
    const socket = await open(ingress.http);
    const answer = everything(socket);
    socket.write("POST / HTTP/1.1\r\nHost: refusing.test\r\nContent-Length: 999999999\r\n\r\nstart");
    socket.write(Buffer.alloc(100_000));
    expect(await answer).toContain("401");
  });

  test("while it drains, connections that were open are answered once more, and told to close", async () => {
    await using data = await TestData.make();
    const ingress = await Ingress.start(data, siteSnapshot(data, { "index.html": "home" }));
    const request = "GET / HTTP/1.1\r\nHost: blog.test\r\n\r\n";
    const silent = await open(ingress.http);
    const kept = await open(ingress.http);
    kept.write(request);
    await new Promise((resolve) => kept.once("data", resolve));
    while (ingress.process.status().connections < 2) await new Promise(setImmediate);
    ingress.process.drain({ idleMs: 20_000, mostMs: 20_000 });
    await expect(open(ingress.http))
      .rejects.toThrow("ECONNREFUSED")
      .catch(() => {});
    for (const socket of [silent, kept]) {
      const answer = everything(socket);
      socket.write(request);
      expect(await answer).toMatch(/200 OK[^]*Connection: close[^]*home$/);
    }
    await ingress.process.ended;
  });

  test("the access log has a line for each request, without queries", async () => {
    await using data = await TestData.make();
    const ingress = await Ingress.start(data, siteSnapshot(data, { "index.html": "home" }));
    await ingress.ask({ path: "/?token=secret", headers: { "User-Agent": "tester" } });
    await ingress.ask({ host: "other.test", path: "/x" });
    await ingress[Symbol.asyncDispose]();
    const text = readFileSync(join(data.folders.logs, "access-0.log"), "utf8");
    expect(text).not.toContain("secret");
    const [first, second] = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    const remote = "127.0.0.1";
    expect(first).toMatchObject({
      app: "blog",
      release: 1,
      host: "blog.test",
      path: "/",
      status: 200,
      bytes: 4,
      remote,
      userAgent: "tester",
    });
    expect(second).toMatchObject({ app: null, host: "other.test", path: "/x", status: 404 });
  });

  test.skipIf(!hasCurl)(
    "curl takes a file whole, in parts, compressed and not again (apt-get install curl)",
    async () => {
      await using data = await TestData.make();
      const text = "hello curl\n".repeat(20_000);
      await using ingress = await Ingress.start(
        data,
        siteSnapshot(data, { "a b.txt": text, "docs/index.html": "docs" }),
      );
      const curl = async (...args: string[]): Promise<string> => {
        const resolve = `blog.test:${ingress.http}:127.0.0.1`;
        return (await run("curl", ["-sS", "--resolve", resolve, ...args], { maxBuffer: 1 << 24 })).stdout;
      };
      const url = `http://blog.test:${ingress.http}`;
      expect(await curl("--compressed", `${url}/a%20b.txt`)).toBe(text);
      expect(await curl("-r", "6-9", `${url}/a%20b.txt`)).toBe("curl");
      expect(await curl("-C", String(text.length - 11), `${url}/a%20b.txt`)).toBe("hello curl\n");
      expect(await curl("-L", `${url}/docs`)).toBe("docs");
      const head = await curl("-I", `${url}/a%20b.txt`);
      expect(head).toContain(`Content-Length: ${text.length}`);
      const etag = /ETag: (.*)\r/.exec(head)?.[1] ?? "";
      expect(
        await curl("-o", "/dev/null", "-w", "%{http_code}", "-H", `If-None-Match: ${etag}`, `${url}/a%20b.txt`),
      ).toBe("304");
      expect(await curl("--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", `${url}/../etc/passwd`)).toBe("400");
    },
  );
});
