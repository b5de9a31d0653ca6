import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { afterAll, beforeEach, expect, test } from "vitest";
import { collect, nativeBinary, type NativeServer, startNative } from "../../../test/support/native-server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";

/** The kernel tells once that a request came. What comes with it must not be left until the next, or to a time limit: those are longer than a test may take. */
const TIMEOUT = { timeout: 9_000 };
const PAGE_BYTES = 20_000;
/** What the server reads at once (INPUT_BYTES of the core's layout), and about what the kernel holds for it of one connection. */
const INPUT_BYTES = 65_536;

const site = temporaryFolder("told-once");
writeFileSync(site.file("index.html"), "hello\n");
writeFileSync(site.file("page.html"), "x".repeat(PAGE_BYTES));
afterAll(() => site[Symbol.dispose]());

let binary: string;
beforeEach(async (context) => {
  binary = await nativeBinary(context);
}, 120_000);

const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;
const count = (answers: string): number => answers.split("HTTP/1.1 200 OK\r\n").length - 1;

/** Reads until so many answers came. */
async function readAnswers(socket: Socket, wanted: number): Promise<void> {
  const chunks: string[] = [];
  while (!(chunks.at(-1) ?? "").endsWith("hello\n") || count(chunks.join("")) < wanted) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) await once(socket, "readable");
    else chunks.push(chunk.toString("latin1"));
  }
}

/** A connection on which the server waits for the next request. */
async function waitingConnection(server: NativeServer): Promise<Socket> {
  const socket = server.connect();
  // It asks when it comes, and is waited for afterwards; so when the second is answered.
  for (let i = 0; i < 2; i++) {
    socket.write(get("/"));
    await readAnswers(socket, 1);
  }
  return socket;
}

/** Does something while the server stands still: it finds all that came at once when it goes on. */
async function whileStopped({ process: { pid = 0 } }: NativeServer, act: () => Promise<unknown>): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "latin1")).toContain(") T ");
  await act();
  process.kill(pid, "SIGCONT");
}

function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => socket.write(text, () => resolve()));
}

test("a client that ends with its request gets the answer, and the end", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = await waitingConnection(server);
  await whileStopped(server, () => new Promise<void>((resolve) => socket.end(get("/"), resolve)));
  expect(count((await collect(socket)).toString())).toBe(1);
});

test("a client that ends within a head is ended", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = await waitingConnection(server);
  await whileStopped(
    server,
    () => new Promise<void>((resolve) => socket.end(get("/") + get("/").slice(0, 20), resolve)),
  );
  expect(count((await collect(socket)).toString())).toBe(1);
});

test("a client that is gone when its request is read is forgotten", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = await waitingConnection(server);
  await whileStopped(server, async () => {
    await write(socket, get("/"));
    socket.resetAndDestroy();
    await once(socket, "close");
  });
  const open = async (): Promise<string | undefined> => {
    const page = (await server.exchange(get("/metrics", "Connection: close\r\n"))).toString();
    return /steppe_connections_open\{.*\} (\d+)/.exec(page)?.[1];
  };
  await expect.poll(open, { timeout: 5_000 }).toBe("1");
});

test("more than the server reads at once is answered without anything more to come", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = await waitingConnection(server);
  // The head that is not whole takes up room that what follows would have.
  const long = get("/", `X: ${"x".repeat(14_000)}\r\n`);
  await write(socket, long.slice(0, -10));
  // It has read that when another, that came after it, is answered.
  await server.exchange(get("/", "Connection: close\r\n"));
  const requests = Math.floor((INPUT_BYTES - 10_000) / get("/").length);
  await whileStopped(server, () => write(socket, long.slice(-10) + get("/").repeat(requests)));
  await readAnswers(socket, 1 + requests);
  socket.destroy();
});

for (const ends of [false, true]) {
  test(
    `a pipeline whose answers had to wait is answered wholly${ends ? ", and its end seen" : ""}`,
    TIMEOUT,
    async () => {
      await using server = await startNative(binary, site.path);
      const socket = await waitingConnection(server);
      const requests = 2500;
      const pipeline = get("/page.html").repeat(requests) + get("/");
      expect(pipeline.length).toBeGreaterThan(INPUT_BYTES);
      if (ends) socket.end(pipeline);
      else socket.write(pipeline);
      // Who does not read at all is as fast as the time that this takes.
      await whileStopped(server, () => Promise.resolve());
      await server.exchange(get("/", "Connection: close\r\n"));
      if (ends) expect(count((await collect(socket)).toString())).toBe(requests + 1);
      else await readAnswers(socket, requests + 1);
      socket.destroy();
    },
  );
}
