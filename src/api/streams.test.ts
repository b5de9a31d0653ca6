import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { until } from "../../test/support/until.ts";
import type { DeploymentEvent, Release } from "../deployer/index.ts";
import { FakeClock, systemClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { event } from "./fake-deployer.ts";
import { startApi, TOKEN } from "./fakes.ts";
import { withHeartbeats } from "./with-heartbeats.ts";

async function openStream(
  port: number,
  path: string,
): Promise<{ response: IncomingMessage; text: () => string; destroy: () => void }> {
  const request = httpRequest({ port, path, agent: false, headers: { authorization: `Bearer ${TOKEN}` } });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  response
    .setEncoding("utf8")
    .on("data", (piece: string) => (text += piece))
    .on("error", () => {});
  request.on("error", () => {});
  return { response, text: () => text, destroy: () => request.destroy() };
}

async function collect(pieces: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

describe("events", () => {
  test("come as lines, to the end", async () => {
    await using running = await startApi();
    running.deployer.stream = async function* stream() {
      yield event(1, "queued");
      yield event(2, "live", { urls: ["http://blog.localhost"] });
    };
    const answer = await running.call("/v1/deployments/1/events");
    expect(answer.headers["content-type"]).toBe("application/x-ndjson");
    const lines = answer.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as DeploymentEvent);
    expect(lines.map(({ event }) => event)).toEqual(["queued", "live"]);
  });

  test("a silent stream is kept alive by empty lines", async () => {
    const clock = new FakeClock();
    await using running = await startApi({ clock });
    running.deployer.stream = async function* stream(_, signal) {
      yield event(1, "building");
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    };
    const stream = await openStream(running.port, "/v1/deployments/1/events");
    await until(() => stream.text().includes("building") && clock.sleeping === 1);
    await clock.advance(15_000);
    await until(() => stream.text().endsWith("\n\n"));
    stream.destroy();
  });

  test("a client that goes away ends the following", async () => {
    await using running = await startApi();
    let aborted = false;
    running.deployer.stream = async function* stream(_, signal) {
      yield event(1, "building");
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      aborted = true;
    };
    const stream = await openStream(running.port, "/v1/deployments/1/events");
    await until(() => stream.text().includes("building"));
    stream.destroy();
    await until(() => aborted);
  });

  test("closing the API ends them, at once", async () => {
    const running = await startApi();
    running.deployer.stream = async function* stream(_, signal) {
      yield event(1, "building");
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    };
    const stream = await openStream(running.port, "/v1/deployments/1/events");
    await until(() => stream.text().includes("building"));
    const ended = once(stream.response, "close");
    await running.api.close();
    await ended;
  });

  test("a stream that fails midway is broken off, not ended", async () => {
    await using running = await startApi();
    running.deployer.stream = async function* stream() {
      yield event(1, "building");
      throw new SteppeError("INTERNAL", { operation: "read", subject: "events", cause: "a defect" });
    };
    await expect(running.call("/v1/deployments/1/events")).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  });
});

describe("withHeartbeats", () => {
  test("passes all on and ends; an error passes, too", async () => {
    const pieces = Readable.from(["a", "b"]) as AsyncIterable<string>;
    const signal = new AbortController().signal;
    expect(await collect(withHeartbeats(pieces, "", 1000, systemClock, signal))).toEqual(["a", "b"]);
    const failing = async function* failing(): AsyncGenerator<string> {
      yield "a";
      throw new Error("broken");
    };
    await expect(collect(withHeartbeats(failing(), "", 1000, systemClock, signal))).rejects.toThrow("broken");
  });
});

describe("images", () => {
  const release = { number: 3, image: "sha256:abc" } as Release;

  test("are archives with a length and a name", async () => {
    await using running = await startApi();
    running.deployer.releases = () => [release];
    const answer = await running.call("/v1/apps/blog/releases/3/image");
    expect([answer.status, answer.text]).toEqual([200, "sha256:abc as 3"]);
    expect(answer.headers).toMatchObject({
      "content-type": "application/x-tar",
      "content-length": "15",
      "content-disposition": 'attachment; filename="blog-3.tar"',
    });
  });

  test("of no app, no release, or no number are refused", async () => {
    await using running = await startApi();
    running.deployer.releases = () => [release];
    const codeOf = async (path: string) => (await running.call(path)).json()["code"];
    expect(await codeOf("/v1/apps/other/releases/3/image")).toBe("APP_NOT_FOUND");
    expect(await codeOf("/v1/apps/blog/releases/4/image")).toBe("RELEASE_NOT_FOUND");
    expect(await codeOf("/v1/apps/blog/releases/x/image")).toBe("USAGE");
  });

  test("one that turns out to be damaged, or that nobody takes, is broken off", async () => {
    const failing = async function* failing(): AsyncGenerator<Buffer, void, void> {
      yield Buffer.from("begun");
      throw new Error("damaged");
    };
    await using running = await startApi({ exportImage: async () => ({ size: 10, content: failing }) });
    running.deployer.releases = () => [release];
    await expect(running.call("/v1/apps/blog/releases/3/image")).rejects.toThrow("aborted");

    const left = Promise.withResolvers<string>();
    const endless = async function* endless(): AsyncGenerator<Buffer, void, void> {
      try {
        for (;;) yield Buffer.alloc(1024 ** 2);
      } finally {
        left.resolve("let go of");
      }
    };
    await using slow = await startApi({
      exportImage: async () => ({ size: 1024 ** 4, content: endless }),
      limits: { imageIdleMs: 50 },
    });
    slow.deployer.releases = () => [release];
    const stream = await openStream(slow.port, "/v1/apps/blog/releases/3/image");
    stream.response.pause();
    expect(await left.promise).toBe("let go of");
    stream.destroy();
  });
});

describe("backup", () => {
  test("is sent as an archive with a name, and let go of when the client leaves", async () => {
    let archive = Readable.from([Buffer.from("archive")]);
    await using running = await startApi({ backup: async () => archive });
    const answer = await running.call("/v1/backup");
    expect([answer.text, answer.headers["content-type"]]).toEqual(["archive", "application/x-tar"]);
    expect(answer.headers["content-disposition"]).toMatch(/filename="steppe-\d{8}T\d{6}Z\.tar"/);

    archive = new Readable({ read() {} });
    archive.push("begun");
    const stream = await openStream(running.port, "/v1/backup");
    await until(() => stream.text() === "begun");
    stream.destroy();
    await until(() => archive.destroyed);
  });

  test("one that cannot be made is an error, not a stream", async () => {
    const failure = new SteppeError("DISK_FULL", {
      operation: "back up",
      subject: "the data folder",
      cause: "no space left",
    });
    await using running = await startApi({ backup: () => Promise.reject(failure) });
    const answer = await running.call("/v1/backup");
    expect([answer.status, answer.json()["code"]]).toEqual([507, "DISK_FULL"]);
  });
});

describe("logs", () => {
  test("are text; a build's log is that of the newest build, or of the one that is named", async () => {
    await using running = await startApi();
    expect((await running.call("/v1/apps/blog/logs?lines=5")).text).toBe("blog\n");
    running.deployer.buildLogFile = "/data/logs/build-1.log";
    expect((await running.call("/v1/apps/blog/build-log")).text).toBe("/data/logs/build-1.log\n");
    expect((await running.call("/v1/apps/blog/build-log?deployment=1")).text).toBe("/data/logs/build-1.log\n");
    expect((await running.call("/v1/apps/shop/build-log?deployment=1")).status).toBe(404);
  });
});
