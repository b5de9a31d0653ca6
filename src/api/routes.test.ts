import { type IncomingMessage, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { definition, deployment } from "./fake-deployer.ts";
import { recordingLogger, startApi, TOKEN } from "./fakes.ts";
import type { AppView } from "./types.ts";

describe("routes", () => {
  test("apps are listed, shown, added, and removed", async () => {
    await using running = await startApi();
    const apps = (await running.call("/v1/apps")).json<AppView[]>();
    expect(apps.map(({ definition }) => definition.name)).toEqual(["blog", "shop"]);
    const view = (await running.call("/v1/apps/blog")).json<AppView>();
    expect(view).toMatchObject({ urls: ["http://blog.localhost:8080"], lastDeployment: { id: 1 } });
    expect(view.pushUrl).toBe(`http://steppe:push-token-of-blog@127.0.0.1:${running.port}/git/blog.git`);

    const added = await running.call("/v1/apps", { json: { definition: { ...definition, name: "new" } } });
    expect([added.status, added.json<AppView>().definition.name]).toEqual([201, "new"]);
    expect((await running.call("/v1/apps/new", { method: "DELETE" })).status).toBe(204);
    expect((await running.call("/v1/apps/new")).json()).toMatchObject({ code: "APP_NOT_FOUND" });
    expect(running.deployer.calls).toEqual([
      ["addApp", "new"],
      ["removeApp", "new"],
    ]);
  });

  test("what deploys answers with the deployment, and carries the request's id", async () => {
    await using running = await startApi();
    const headers = { "x-request-id": "my-request.1" };
    for (const [path, json] of [
      ["deployments", { tag: "v1" }],
      ["deployments", { branch: "main", noGrace: true }],
      ["rollback", { release: 3 }],
      ["rollback", { noGrace: true }],
    ] as const) {
      const answer = await running.call(`/v1/apps/blog/${path}`, { json, headers });
      expect([answer.status, answer.json()]).toEqual([202, deployment]);
      expect(answer.headers["x-request-id"]).toBe("my-request.1");
    }
    expect((await running.call("/v1/apps/blog/rollback", { method: "POST" })).status).toBe(202);
    const signal = expect.any(AbortSignal) as AbortSignal;
    expect(running.deployer.calls.slice(0, 4)).toEqual([
      ["deployRef", "blog", { tag: "v1" }, { requestId: "my-request.1", noGrace: false, signal }],
      ["deployRef", "blog", { branch: "main" }, { requestId: "my-request.1", noGrace: true, signal }],
      ["rollback", "blog", 3, { requestId: "my-request.1", noGrace: false }],
      ["rollback", "blog", undefined, { requestId: "my-request.1", noGrace: true }],
    ]);
  });

  test("approve, reject, pause and resume, with a body or without", async () => {
    await using running = await startApi();
    const post = (path: string, json?: unknown) => running.call(`/v1/apps/blog/${path}`, { method: "POST", json });
    expect((await post("approve", { deployment: 3 })).json()).toEqual(deployment);
    expect((await post("approve")).status).toBe(200);
    expect((await post("reject", {})).json()).toEqual(deployment);
    expect((await post("pause", { reason: " the sale is on " })).json<AppView>().definition.name).toBe("blog");
    expect((await post("pause")).status).toBe(200);
    expect((await post("resume")).json<AppView>().paused).toBe(null);
    expect(running.deployer.calls).toEqual([
      ["approve", "blog", 3],
      ["approve", "blog", undefined],
      ["reject", "blog", undefined],
      ["pause", "blog", "the sale is on"],
      ["pause", "blog", null],
      ["resume", "blog"],
    ]);
  });

  test("apply, purge, garbage collection, lists, status, CA", async () => {
    await using running = await startApi();
    const applied = await running.call("/v1/apply", { json: { definitions: [definition], dryRun: true } });
    expect(applied.json()).toEqual({ changes: [], deployments: [] });
    expect(running.deployer.calls[0]).toMatchObject(["apply", ["blog"], { dryRun: true, prune: false }]);
    expect((await running.call("/v1/apps/blog/purge", { method: "POST" })).status).toBe(204);
    expect((await running.call("/v1/gc", { method: "POST" })).json()).toMatchObject({ bytes: 4 });
    expect((await running.call("/v1/apps/blog/releases")).json()).toEqual([]);
    expect((await running.call("/v1/apps/blog/deployments?limit=1")).json()).toEqual([deployment]);
    expect((await running.call("/v1/deployments/1")).json()).toEqual(deployment);
    const status = (await running.call("/v1/status")).json<{ apps: AppView[]; version: string }>();
    expect([status.version, status.apps.length]).toEqual(["1", 2]);
    expect((await running.call("/v1/ca", { token: null })).text).toBe("PEM");
  });

  test.each<[string, string, unknown, number, string]>([
    ["GET", "/v1/nothing", undefined, 404, "NOT_FOUND"],
    ["GET", "/", undefined, 404, "NOT_FOUND"],
    ["GET", "/v1/apps/", undefined, 404, "NOT_FOUND"],
    ["GET", "/v1/apps/%", undefined, 404, "NOT_FOUND"],
    ["PUT", "/v1/apps", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/v1/gc", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["OPTIONS", "/v1/apps", undefined, 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/v1/apps/none", undefined, 404, "APP_NOT_FOUND"],
    ["GET", "/v1/apps/none/releases", undefined, 404, "APP_NOT_FOUND"],
    ["GET", "/v1/apps/none/logs", undefined, 404, "APP_NOT_FOUND"],
    ["GET", "/v1/apps/none/build-log", undefined, 404, "APP_NOT_FOUND"],
    ["GET", "/v1/apps/blog/build-log", undefined, 404, "NOT_FOUND"],
    ["POST", "/v1/apps/none/deployments", { tag: "v1" }, 404, "APP_NOT_FOUND"],
    ["GET", "/v1/deployments/2", undefined, 404, "DEPLOYMENT_NOT_FOUND"],
    ["GET", "/v1/deployments/2/events", undefined, 404, "DEPLOYMENT_NOT_FOUND"],
    ["GET", "/v1/deployments/x", undefined, 400, "USAGE"],
    ["GET", "/v1/apps/blog/deployments?limit=0", undefined, 400, "USAGE"],
    ["GET", "/v1/apps/blog/deployments?limit=1001", undefined, 400, "USAGE"],
    ["GET", "/v1/apps/blog/logs?lines=-1", undefined, 400, "USAGE"],
    ["GET", "/v1/apps/blog/logs?follow=maybe", undefined, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", {}, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", undefined, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", [], 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", { tag: "a", branch: "b" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", { tag: 1 }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", { tag: "--upload-pack=x" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", { tag: "a b" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/deployments", { tag: "v1", more: 1 }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/rollback", { release: "1" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/rollback", { release: 1.5 }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/rollback", { noGrace: "yes" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/approve", { deployment: "1" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/reject", { deployment: 0 }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/pause", { reason: 5 }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/pause", { reason: "two\nlines" }, 400, "USAGE"],
    ["POST", "/v1/apps/blog/pause", { reason: "x".repeat(501) }, 400, "USAGE"],
    ["POST", "/v1/apps/none/approve", {}, 404, "APP_NOT_FOUND"],
    ["POST", "/v1/apps/none/resume", undefined, 404, "APP_NOT_FOUND"],
    ["POST", "/v1/apps", { definition: { name: "BAD NAME" } }, 400, "CONFIG_INVALID"],
    ["POST", "/v1/apps", {}, 400, "CONFIG_INVALID"],
    ["POST", "/v1/apply", { definitions: {} }, 400, "USAGE"],
    ["POST", "/v1/apply", { definitions: [], dryRun: 1 }, 400, "USAGE"],
  ])("%s %s %j: %i %s", async (method, path, json, status, code) => {
    await using running = await startApi();
    const answer = await running.call(path, { method, json });
    expect([answer.status, answer.json()["code"]]).toEqual([status, code]);
    expect(answer.headers["content-type"]).toContain("application/json");
    expect(answer.json()).toMatchObject({
      operation: expect.any(String),
      cause: expect.any(String),
      hint: expect.any(String),
    });
    expect(answer.headers["x-request-id"]).toMatch(/^[\w.-]+$/);
  });

  test("an error of the deployer keeps its code and status; another is INTERNAL, with no stack, and logged", async () => {
    const lines: Parameters<typeof recordingLogger>[0] = [];
    await using running = await startApi({ log: recordingLogger(lines) });
    running.deployer.failure = new SteppeError("DOMAIN_TAKEN", {
      operation: "add",
      subject: "new",
      cause: "taken by blog",
    });
    const taken = await running.call("/v1/apps", { json: { definition: { ...definition, name: "new" } } });
    expect([taken.status, taken.json()["cause"]]).toEqual([409, "taken by blog"]);
    running.deployer.failure = new TypeError("secret detail of code");
    const internal = await running.call("/v1/gc", { method: "POST", headers: { "x-request-id": "r7" } });
    expect([internal.status, internal.json()["code"]]).toEqual([500, "INTERNAL"]);
    expect(internal.text).not.toContain("at ");
    expect(lines.find(({ level }) => level === "error")?.fields).toMatchObject({ requestId: "r7" });
    expect(
      lines.find(({ message, fields }) => message === "request" && fields["status"] === 500)?.fields,
    ).toMatchObject({ method: "POST", path: "/v1/gc", requestId: "r7" });
  });

  test.each(["", "has space", "x".repeat(65), "new\tline"])("the request id %j is replaced", async (id) => {
    await using running = await startApi();
    const answer = await running.call("/healthz", { headers: { "x-request-id": id } });
    expect(answer.headers["x-request-id"]).not.toBe(id);
  });

  test("no path or body, whatever it is, makes it fail", async () => {
    await using running = await startApi();
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.json(), async (path, body) => {
        const headers = { "content-type": "application/json" };
        for (const target of [`/v1${path}`, `/v1/apps/blog/deployments`, "/v1/apply", "/v1/apps"]) {
          const { status } = await running.call(target, { method: "POST", body, headers });
          expect(status).toBeLessThan(500);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("bodies", () => {
  const post = (type: string | undefined, more: Record<string, string> = {}) => ({
    method: "POST",
    headers: { ...(type === undefined ? {} : { "content-type": type }), ...more },
  });

  test.each([
    ["not json", post("application/json"), 400],
    ['{"tag":"v1"}', post("application/json; charset=utf-8"), 202],
    ['{"tag":"v1"}', post("text/plain"), 400],
    ['{"tag":"v1"}', post("application/x-www-form-urlencoded"), 400],
    ['{"tag":"v1"}', post(undefined), 400],
    ['{"tag":"v1"}', post("application/json", { "content-encoding": "gzip" }), 400],
  ])("%j with %j: %i", async (body, options, status) => {
    await using running = await startApi();
    expect((await running.call("/v1/apps/blog/deployments", { ...options, body })).status).toBe(status);
  });

  test("one that is too large is refused, told and untold, and the client sees why", async () => {
    await using running = await startApi({ limits: { jsonBytes: 1000, applyBytes: 2000, uploadBytes: 100_000 } });
    const body = Buffer.alloc(5_000_000, "x");
    const headers = { "content-type": "application/json" };
    expect((await running.call("/v1/apply", { body, headers })).json()["code"]).toBe("BODY_TOO_LARGE");
    expect(
      (await running.call("/v1/apply", { body, headers: { ...headers, "transfer-encoding": "chunked" } })).status,
    ).toBe(413);
    expect((await running.call("/v1/apps", { body, headers })).status).toBe(413);
    const tar = { "content-type": "application/x-tar", "transfer-encoding": "chunked" };
    expect((await running.call("/v1/apps/blog/uploads", { body, headers: tar })).status).toBe(413);
    expect(running.uploads.received).toHaveLength(0);
  });

  test("of all apps together it may be larger than of one", async () => {
    await using running = await startApi();
    const definitions = Array.from({ length: 2000 }, (_, at) => ({ ...definition, name: `app-${at}` }));
    const answer = await running.call("/v1/apply", { json: { definitions, dryRun: true } });
    expect([answer.status, JSON.stringify(definitions).length > 1024 ** 2]).toEqual([200, true]);
  });

  test("one that does not come is not waited for for ever", async () => {
    const clock = new FakeClock();
    await using running = await startApi({ clock });
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", "content-length": "100" };
    const request = httpRequest({ port: running.port, path: "/v1/apply", method: "POST", headers, agent: false });
    const answered = once(request, "response");
    request.write('{"definitions"');
    while (clock.sleeping === 0) await new Promise(setImmediate);
    await clock.advance(31_000);
    const [response] = (await answered) as [IncomingMessage];
    expect(response.statusCode).toBe(408);
    request.destroy();
  });

  test("an upload is unpacked, deployed, and cleared away, also when that fails", async () => {
    await using running = await startApi();
    const headers = { "content-type": "application/x-tar", "x-request-id": "up1" };
    const body = Buffer.alloc(300_000, "tar");
    const answer = await running.call("/v1/apps/blog/uploads?noGrace=1", { body, headers });
    expect(answer.status).toBe(202);
    expect(running.uploads.received[0]).toEqual(body);
    expect(running.deployer.calls).toEqual([["deployUpload", "blog", "blog", { requestId: "up1", noGrace: true }]]);
    running.deployer.failure = new SteppeError("SITE_EMPTY", {
      operation: "deploy",
      subject: "blog",
      cause: "no files",
    });
    expect((await running.call("/v1/apps/blog/uploads", { body, headers })).json()["code"]).toBe("SITE_EMPTY");
    expect(running.uploads.disposed).toBe(2);
    expect((await running.call("/v1/apps/none/uploads", { body, headers })).status).toBe(404);
    expect(
      (await running.call("/v1/apps/blog/uploads", { body, headers: { "content-type": "text/html" } })).status,
    ).toBe(400);
    expect((await running.call("/v1/apps/blog/uploads", { body, headers, token: null })).status).toBe(401);
    expect(running.uploads.received).toHaveLength(2);
  });
});

describe("listening", () => {
  test("a port that is taken is told with who has it and the flag", async () => {
    await using first = await startApi();
    await using second = await startApi();
    await expect(second.api.listen("127.0.0.1", first.port)).rejects.toMatchObject({
      code: "PORT_TAKEN",
      reason: expect.stringContaining(`process ${process.pid}`),
      hint: expect.stringContaining("--api"),
    });
  });

  test("the unix socket is private, replaces what a killed process left, and answers the API's host only", async () => {
    await using folder = temporaryFolder();
    await using running = await startApi();
    const socketPath = folder.file("api.sock");
    writeFileSync(socketPath, "");
    await running.api.listenOnSocket(socketPath);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect((await running.call("/v1/apps", { socketPath, headers: { host: "api.example.com:8443" } })).status).toBe(
      200,
    );
    const seen = await running.call("/v1/status", { socketPath, headers: { host: "api.example.com:8443" } });
    expect(seen.json()).toMatchObject({
      addresses: { api: "https://api.example.com:8443", git: "https://api.example.com:8443/git/" },
      apps: [{ pushUrl: "https://steppe:push-token-of-blog@api.example.com:8443/git/blog.git" }, {}],
    });
    expect((await running.call("/v1/apps", { socketPath, headers: { host: "blog.example.com" } })).status).toBe(421);
    expect((await running.call("/v1/apps", { socketPath, headers: { host: "localhost" } })).status).toBe(421);
  });

  test("closing ends idle connections and refuses what comes on those that stay", async () => {
    const running = await startApi();
    const socket = connect(running.port, "127.0.0.1");
    await once(socket, "connect");
    await running.api.close();
    socket.resume();
    if (!socket.closed) await once(socket, "close");
    await expect(running.call("/healthz")).rejects.toThrow("ECONNREFUSED");
    await running.api.close();
  });
});
