import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { emptySnapshot } from "./snapshot/index.ts";
import { TestData } from "./test-ingress.ts";
import { Ingress, open } from "./test-ingress-process.ts";

/** A server that answers each connection with bytes of the test's choice, once something came. */
class RawControl implements AsyncDisposable {
  readonly server: Server;
  /** All that came. */
  seen = "";
  answer: (socket: Socket) => void = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

  private constructor() {
    this.server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => this.answer(socket));
      socket.on("data", (chunk) => (this.seen += chunk.toString("latin1")));
    });
  }

  static async start(): Promise<RawControl> {
    const control = new RawControl();
    await new Promise<void>((resolve) => control.server.listen(0, "127.0.0.1", resolve));
    return control;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function startBoth(stalledMs = 5_000) {
  const data = await TestData.make();
  const control = await RawControl.start();
  const snapshot = emptySnapshot();
  const target = { host: "127.0.0.1", port: control.port };
  snapshot.routes.set("api.test", { kind: "control", target, redirectToHttps: false });
  const ingress = await Ingress.start(data, snapshot, { proxyStalledMs: stalledMs });
  const asking = async (head: string): Promise<{ text: string; how: string }> => {
    const socket = await open(ingress.http);
    const chunks: string[] = [];
    socket.setEncoding("latin1").on("data", (chunk: string) => chunks.push(chunk));
    const ended = new Promise<string>((resolve) => {
      socket.once("end", () => resolve("end"));
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    });
    socket.write(head);
    return { how: await ended, text: chunks.join("") };
  };
  return {
    control,
    asking,
    get: (more = "Connection: close\r\n") => asking(`GET / HTTP/1.1\r\nHost: api.test\r\n${more}\r\n`),
    async [Symbol.asyncDispose]() {
      await ingress[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
      await data[Symbol.asyncDispose]();
    },
  };
}

describe("between a client and control", () => {
  test("half an answer never looks like a whole one, not even to a client to which the end of the connection says so", async () => {
    await using both = await startBoth();
    both.control.answer = (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    expect((await both.get()).text).toMatch(/\r\n\r\n2\r\nhi\r\n$/);
    const old = await both.asking("GET / HTTP/1.0\r\nHost: api.test\r\n\r\n");
    expect(old).toMatchObject({ how: "ECONNRESET", text: expect.not.stringContaining("chunked") as string });
    both.control.answer = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi");
    expect((await both.get()).how).toBe("ECONNRESET");
  });

  test("an answer that is none, or of another protocol, is a 502", async () => {
    await using both = await startBoth();
    for (const answer of [
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
      "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nhi",
      "hello\r\n\r\n",
      "",
    ]) {
      both.control.answer = (socket) => socket.end(answer);
      expect((await both.get()).text, answer).toMatch(/^HTTP\/1.1 502 Bad gateway\r\n/);
    }
    both.control.answer = (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    expect((await both.get()).text).toMatch(/^HTTP\/1.1 502 /);
  });

  test("control that says nothing is given up, and the client told so", async () => {
    await using both = await startBoth(100);
    both.control.answer = () => {};
    expect((await both.get()).text).toMatch(/^HTTP\/1.1 502 /);
  });

  test("interim answers are not taken for the answer; a 204 says no length", async () => {
    await using both = await startBoth();
    both.control.answer = (socket) =>
      socket.end(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 204 None\r\nContent-Length: 0\r\nX-A: b\r\n\r\n",
      );
    expect((await both.get()).text).toBe("HTTP/1.1 204 None\r\nX-A: b\r\nConnection: close\r\n\r\n");
  });

  test("fields are passed on by whatever name", async () => {
    await using both = await startBoth();
    await both.get("constructor: a\r\n__proto__: b\r\nX-Two: 1\r\nx-two: 2\r\nConnection: close\r\n");
    expect(both.control.seen).toContain("\r\nconstructor: a\r\n__proto__: b\r\nx-two: 1\r\nx-two: 2\r\n");
    expect(both.control.seen).not.toContain("native code");
  });
});
