import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { afterAll, beforeEach, expect, test } from "vitest";
import { collect, nativeBinary, type NativeServer, startNative } from "../../../test/support/native-server.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";

/** Twenty of its seconds are one: the limits are 10 to 75 of them. */
const FAST_CLOCK = ["CLOCK_TICK=50000000"];
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

async function timedOut(server: NativeServer): Promise<string | undefined> {
  const page = (await server.exchange(get("/metrics", "Connection: close\r\n"))).toString();
  return /steppe_connections_timed_out_total\{.*\} (\d+)/.exec(page)?.[1];
}

test("who does not read is cut off, and nobody else is", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const slow = server.connect();
  slow.pause().write(get("/large.bin"));
  await expect.poll(() => timedOut(server), { timeout: 10_000 }).toBe("1");
  expect((await collect(slow)).length).toBeLessThan(LARGE);
  const answer = (await server.exchange(get("/", "Connection: close\r\n"))).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*hello\n$/s);
});

test("who takes a byte now and then is cut off, however much it took before", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const slow = server.connect();
  slow.pause().write(get("/large.bin"));
  let taken = 0;
  while (taken < 1_000_000) {
    await once(slow, "readable");
    taken += (slow.read() as Buffer | null)?.length ?? 0;
  }
  const trickle = async (): Promise<string | undefined> => {
    slow.read(1);
    return await timedOut(server);
  };
  await expect.poll(trickle, { timeout: 10_000, interval: 20 }).toBe("1");
  expect((await collect(slow)).length).toBeLessThan(LARGE - taken);
});

test("who takes it slowly, but steadily, gets all of it", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const steady = server.connect();
  steady.pause().write(get("/large.bin", "Connection: close\r\n"));
  let taken = 0;
  // Three seconds for all, which are sixty of the server's.
  const reading = setInterval(() => (taken += (steady.read() as Buffer | null)?.length ?? 0), 10);
  try {
    await once(steady, "end");
  } finally {
    clearInterval(reading);
  }
  expect(taken).toBeGreaterThan(LARGE);
  expect(await timedOut(server)).toBe("0");
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
