import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { SteppeError } from "../shared/errors.ts";
import { SteppeClient } from "./client.ts";
import { unreachable } from "./client-transport.ts";
import { tarFolder } from "./tar-folder.ts";

/** An API that answers as it is told, and a client for it. */
async function api(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    client: new SteppeClient({ url, token: "secret" }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function folder() {
  const path = mkdtempSync(join(tmpdir(), "steppe-client-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function failure(work: Promise<unknown>): Promise<SteppeError> {
  const outcome = await work.catch((error: unknown) => error);
  if (outcome instanceof SteppeError) return outcome;
  throw new Error(`expected a SteppeError, not ${String(outcome)}`);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function bodyText(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await collect(request as AsyncIterable<Buffer>)).toString();
}

describe("SteppeClient", () => {
  test("asks with the token, and escapes names", async () => {
    const seen: unknown[] = [];
    await using server = await api((request, response) => {
      void bodyText(request).then((body) => {
        seen.push([request.method, request.url, request.headers.authorization, request.headers["content-type"], body]);
        answer(response, 200, []);
      });
    });
    await server.client.apps();
    await server.client.releases("a/../b");
    await server.client.rollback("blog", 3);
    await server.client.deploy("blog", { tag: "v1" }, { noGrace: true });
    await server.client.apply({ definitions: [], dryRun: true });
    await server.client.approve("blog", 7);
    await server.client.reject("blog");
    await server.client.pause("blog", "why");
    await server.client.resume("blog");
    await server.client.removeApp("blog");
    expect(seen).toEqual([
      ["GET", "/v1/apps", "Bearer secret", undefined, ""],
      ["GET", "/v1/apps/a%2F..%2Fb/releases", "Bearer secret", undefined, ""],
      ["POST", "/v1/apps/blog/rollback", "Bearer secret", "application/json", '{"release":3}'],
      ["POST", "/v1/apps/blog/deployments", "Bearer secret", "application/json", '{"tag":"v1","noGrace":true}'],
      ["POST", "/v1/apply", "Bearer secret", "application/json", '{"definitions":[],"dryRun":true}'],
      ["POST", "/v1/apps/blog/approve", "Bearer secret", "application/json", '{"deployment":7}'],
      ["POST", "/v1/apps/blog/reject", "Bearer secret", "application/json", "{}"],
      ["POST", "/v1/apps/blog/pause", "Bearer secret", "application/json", '{"reason":"why"}'],
      ["POST", "/v1/apps/blog/resume", "Bearer secret", undefined, ""],
      ["DELETE", "/v1/apps/blog", "Bearer secret", undefined, ""],
    ]);
  });

  test("gives the API's error back as it was", async () => {
    const body = { code: "APP_NOT_FOUND", operation: "show", subject: "blog", cause: "no such app", hint: "look" };
    await using server = await api((_, response) => answer(response, 404, body));
    expect((await failure(server.client.app("blog"))).toJSON()).toEqual(body);
  });

  test("of a failure of the server it tells the request's id", async () => {
    const body = { code: "INTERNAL", operation: "show", subject: "blog", cause: "x", hint: "y" };
    await using server = await api((_, response) => {
      response.setHeader("x-request-id", "r-1");
      answer(response, 500, body);
    });
    expect((await failure(server.client.app("blog"))).detail).toBe("request r-1");
  });

  test.each([
    [502, "<h1>Bad gateway</h1>", {}, "it answered 502 <h1>Bad gateway</h1>"],
    [301, "", { location: "https://steppe.test/v1/status" }, "it answered 301 to https://steppe.test/v1/status"],
    [200, "<html>", {}, "its answer is no JSON: <html>"],
  ])("%i %s is no API", async (status, text, headers, cause) => {
    await using server = await api((_, response) => response.writeHead(status, headers).end(text));
    expect(await failure(server.client.status())).toMatchObject({ code: "API_UNREACHABLE", reason: cause });
  });

  test("nothing there, a name unknown, a connection that breaks", async () => {
    const { port } = await (async () => {
      await using server = await api(() => {});
      return server;
    })();
    const url = `http://127.0.0.1:${port}`;
    expect(await failure(new SteppeClient({ url, token: null }).health())).toMatchObject({
      code: "API_UNREACHABLE",
      subject: url,
      reason: "nothing listens there (connection refused)",
    });
    await using server = await api((request) => request.socket.destroy());
    expect((await failure(server.client.status())).reason).toBe("the connection broke off");
    await using half = await api((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("[");
      setImmediate(() => response.destroy());
    });
    expect(await failure(half.client.apps())).toMatchObject({ code: "API_UNREACHABLE" });
  });

  test("finds names below localhost on this machine", async () => {
    await using server = await api((request, response) => answer(response, 200, [request.headers.host]));
    const client = new SteppeClient({ url: `http://steppe.localhost:${server.port}`, token: null });
    expect(await client.apps()).toEqual([`steppe.localhost:${server.port}`]);
  });

  test("events come as they are written, in whatever pieces", async () => {
    const resume = Promise.withResolvers<void>();
    await using server = await api((_, response) => {
      response.write('{"seq":1,"message":"gr');
      void resume.promise.then(() => response.end('ün"}\n\n{"seq":2}'));
      setImmediate(() => response.write(Buffer.from("")));
    });
    const events = server.client.events(7);
    setImmediate(resume.resolve);
    expect(await collect(events)).toEqual([{ seq: 1, message: "grün" }, { seq: 2 }]);
  });

  test("a signal ends a stream with its reason", async () => {
    await using server = await api((_, response) => response.write("one\n"));
    const stop = new AbortController();
    const lines = server.client.accessLog("blog", { follow: true, signal: stop.signal });
    expect((await lines.next()).value).toBe("one");
    stop.abort(new Error("enough"));
    await expect(lines.next()).rejects.toThrow("enough");
  });

  test("log options go into the query", async () => {
    await using server = await api((request, response) => response.end(request.url));
    expect(await collect(server.client.buildLog("b", { follow: true, lines: 5, deployment: 9 }))).toEqual([
      "/v1/apps/b/build-log?follow=1&lines=5&deployment=9",
    ]);
    expect(await collect(server.client.accessLog("b"))).toEqual(["/v1/apps/b/logs"]);
  });

  test("a refused upload rejects with the API's error, though the folder was not sent to its end", async () => {
    using site = folder();
    writeFileSync(join(site.path, "large"), Buffer.alloc(20_000_000));
    const body = { code: "TOKEN_WRONG", operation: "upload", subject: "blog", cause: "wrong", hint: "h" };
    await using server = await api((request, response) => {
      answer(response, 401, body);
      request.resume();
    });
    expect((await failure(server.client.upload("blog", site.path))).code).toBe("TOKEN_WRONG");
  });

  test("an upload of what cannot be sent says so, and the server sees it break off", async () => {
    using site = folder();
    writeFileSync(join(site.path, "a"), "a");
    execFileSync("mkfifo", [join(site.path, "pipe")]);
    const broken = Promise.withResolvers<void>();
    await using server = await api((request) => {
      request.resume().once("error", () => broken.resolve());
    });
    expect(await failure(server.client.upload("blog", site.path))).toMatchObject({
      code: "FILE_UNSUPPORTED",
      subject: join(site.path, "pipe"),
    });
    await broken.promise;
  });
});

describe("tarFolder", () => {
  test("is read by tar: files, folders, links, long names, large files; without .git", async () => {
    using site = folder();
    using copy = folder();
    const long = `${"d".repeat(120)}/${"e".repeat(120)}.html`;
    for (const name of [".git/x", "a/b", long.split("/")[0] + "/x"])
      mkdirSync(join(site.path, name, ".."), { recursive: true });
    const files = { "index.html": "<h1>grün</h1>", "a/b": "", "ü ö.txt": "name", [long]: "long", "a/.git": "kept" };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(site.path, name), content);
    writeFileSync(join(site.path, ".git/config"), "secret");
    writeFileSync(join(site.path, "large"), Buffer.alloc(3_000_001, 7));
    symlinkSync("../index.html", join(site.path, "a/link"));
    const archive = Buffer.concat(await collect(tarFolder(site.path)));
    const { status, stderr } = spawnSync("tar", ["-x", "-C", copy.path], { input: archive });
    expect([status, stderr.toString()]).toEqual([0, ""]);
    rmSync(join(site.path, ".git"), { recursive: true });
    expect(spawnSync("diff", ["-r", "--no-dereference", site.path, copy.path], { encoding: "utf8" })).toMatchObject({
      status: 0,
      stdout: "",
    });
    expect(Buffer.concat(await collect(tarFolder(site.path)))).toEqual(archive);
  });

  test("a name that is no UTF-8 is named by its bytes", async () => {
    using site = folder();
    writeFileSync(Buffer.concat([Buffer.from(`${site.path}/a`), Buffer.from([0xff])]), "");
    expect(await failure(collect(tarFolder(site.path)))).toMatchObject({
      code: "PATH_NOT_UTF8",
      reason: "its name is no UTF-8 (bytes 61ff)",
    });
  });

  test("no folder", async () => {
    using site = folder();
    writeFileSync(join(site.path, "file"), "");
    expect((await failure(collect(tarFolder(join(site.path, "nowhere"))))).reason).toBe("it does not exist");
    expect((await failure(collect(tarFolder(join(site.path, "file"))))).reason).toBe("it is no folder");
  });

  test("a file that shrinks while it is sent, and a reader that leaves", async () => {
    using site = folder();
    writeFileSync(join(site.path, "large"), Buffer.alloc(8_000_000));
    const shrinking = async (): Promise<void> => {
      let first = true;
      for await (const _ of tarFolder(site.path)) {
        if (first) writeFileSync(join(site.path, "large"), "short");
        first = false;
      }
    };
    expect(await failure(shrinking())).toMatchObject({
      code: "UPLOAD_INVALID",
      reason: "it changed while it was sent",
    });
    writeFileSync(join(site.path, "large"), Buffer.alloc(8_000_000));
    for await (const chunk of tarFolder(site.path)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });

  test("many files need little memory and are all there", async () => {
    using site = folder();
    for (let index = 0; index < 2000; index++) writeFileSync(join(site.path, `f${index}`), `content ${index}`);
    const names: string[] = [];
    const reader = extract();
    const reading = (async () => {
      for await (const entry of reader) {
        names.push(entry.header.name);
        entry.resume();
      }
    })();
    await pipeline(Readable.from(tarFolder(site.path)), reader as unknown as NodeJS.WritableStream);
    await reading;
    expect(names).toHaveLength(2000);
    expect(readFileSync(join(site.path, "f7"), "utf8")).toBe("content 7");
  });
});

describe("unreachable", () => {
  const target = { url: "https://steppe.example.com", token: null };

  test.each([
    [
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "its certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
      "steppe ca show",
    ],
    ["CERT_HAS_EXPIRED", "its certificate is not trusted (CERT_HAS_EXPIRED)", "steppe ca show"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another name", "--host"],
    ["ECONNREFUSED", "nothing listens there (connection refused)", "steppe up"],
    ["EOTHER", "words of Node", "steppe up"],
  ])("%s is said for people", (code, cause, hint) => {
    const error = unreachable(target, Object.assign(new Error("words of Node"), { code }));
    expect(error.message).toBe(`reach https://steppe.example.com: ${cause}`);
    expect(error.hint).toContain(hint);
  });
});
