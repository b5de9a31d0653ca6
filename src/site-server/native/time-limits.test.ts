import { writeFileSync } from "node:fs";
import { afterAll, beforeEach, expect, test } from "vitest";
import { collect, nativeBinary, startNative } from "../../../test/support/native-server.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";

/** A hundred of its seconds are one: the limits are 10 to 75 of them. */
const FAST_CLOCK = ["CLOCK_TICK=10000000"];
const LARGE = 20_000_000;
const TIMEOUT = { timeout: 30_000 };

let binary: string;
let site: TemporaryFolder;
const folders: TemporaryFolder[] = [];
beforeEach(async (context) => {
  binary = await nativeBinary(context, "amd64", FAST_CLOCK);
  site = temporaryFolder("time-limits");
  folders.push(site);
  writeFileSync(site.file("index.html"), "hello\n");
  writeFileSync(site.file("large.bin"), Buffer.alloc(LARGE));
}, 120_000);
afterAll(() => {
  for (const folder of folders) folder[Symbol.dispose]();
});

const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

test("who does not read is cut off, and nobody else is", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const slow = server.connect();
  slow.pause().write(get("/large.bin"));
  const timedOut = async (): Promise<string | undefined> => {
    const page = (await server.exchange(get("/metrics", "Connection: close\r\n"))).toString();
    return /steppe_connections_timed_out_total\{.*\} (\d+)/.exec(page)?.[1];
  };
  await expect.poll(timedOut, { timeout: 10_000 }).toBe("1");
  expect((await collect(slow)).length).toBeLessThan(LARGE);
  const answer = (await server.exchange(get("/", "Connection: close\r\n"))).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*hello\n$/s);
});

test("a head that does not come to its end is answered with 408, however it dribbles", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = server.connect();
  const answered = collect(socket);
  const dribble = setInterval(() => socket.write("x"), 20);
  try {
    socket.write("GET /");
    expect((await answered).toString()).toMatch(/^HTTP\/1\.1 408 .*\r\nConnection: close\r\n/s);
  } finally {
    clearInterval(dribble);
  }
});

test("connections that ask nothing are ended: new ones, and those that were answered", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const silent = server.connect();
  const answered = server.connect();
  answered.write(get("/"));
  const [nothing, one] = await Promise.all([collect(silent), collect(answered)]);
  expect(nothing.length).toBe(0);
  expect(one.toString()).toMatch(/^HTTP\/1\.1 200 .*hello\n$/s);
});
