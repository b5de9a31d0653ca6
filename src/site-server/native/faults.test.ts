import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { afterAll, beforeEach, expect, test } from "vitest";
import { collect, nativeBinary, startNative } from "../../../test/support/native-server.ts";
import { peer } from "../../../test/support/peers.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";

// What must hold of every host of the site server is in test/hostile-visitors.test.ts.
const TIMEOUT = { timeout: 30_000 };
const LARGE = 20_000_000;

let binary: string;
let site: TemporaryFolder;
const folders: TemporaryFolder[] = [];
beforeEach(async (context) => {
  binary = await nativeBinary(context);
  site = temporaryFolder("native-site");
  folders.push(site);
  writeFileSync(site.file("index.html"), "hello\n");
  writeFileSync(site.file("large.bin"), Buffer.alloc(LARGE, "0123456789abcdef"));
}, 120_000);
afterAll(() => {
  for (const folder of folders) folder[Symbol.dispose]();
});

const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;
const CLOSE = "Connection: close\r\n";

function statuses(answers: Buffer): number[] {
  return Array.from(answers.toString("latin1").matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, status]) => Number(status));
}

/** Reads from a socket until so many bytes came. */
async function readBytes(socket: Socket, bytes: number): Promise<void> {
  let got = 0;
  await new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      got += chunk.length;
      if (got < bytes) return;
      socket.off("data", take);
      socket.pause();
      resolve();
    };
    socket.on("data", take);
  });
}

test("a request in single bytes is answered", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = server.connect();
  socket.setNoDelay(true);
  for (const byte of get("/", CLOSE)) {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(statuses(await collect(socket))).toEqual([200]);
});

test("a request with a body is answered, and its client reads the answer", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const body = "x".repeat(300_000);
  const answer = await server.exchange(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  expect(statuses(answer)).toEqual([405]);
});

test("a file that was edited is served as it is now; one that is gone is not", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  appendFileSync(site.file("index.html"), "there\n");
  const edited = (await server.exchange(get("/", CLOSE))).toString();
  expect(edited).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhello\nthere\n$/s);
  expect(edited).toContain("Content-Length: 12\r\n");
  rmSync(site.file("index.html"));
  // What was looked at within the second may still be served.
  await expect.poll(async () => statuses(await server.exchange(get("/", CLOSE))), { timeout: 5_000 }).toEqual([404]);
});

test("small bodies are kept in memory, the oldest give way, and what was edited is read again", TIMEOUT, async () => {
  const names = Array.from({ length: 40 }, (_, i) => `page-${i}.txt`);
  const body = (name: string): string => `${name} `.repeat(1000);
  for (const name of names) {
    writeFileSync(site.file(name), body(name));
    utimesSync(site.file(name), 1e9, 1e9);
  }
  await using server = await startNative(binary, site.path);
  const requests = [...names, ...names, ...names.slice(-8), ...names.slice(-8)];
  const answers = (await server.exchange(requests.map((name) => get(`/${name}`)).join(""))).toString();
  const expected = requests.map(body);
  const bodies = answers.split(/HTTP\/1\.1 200 OK\r\n[^]*?\r\n\r\n/).slice(1);
  expect(bodies).toEqual(expected);
  const part = (await server.exchange(get("/page-39.txt", `Range: bytes=5-11\r\n${CLOSE}`))).toString();
  expect(part).toMatch(/^HTTP\/1\.1 206 .*\r\n\r\n39\.txt $/s);
  writeFileSync(site.file("page-39.txt"), "new");
  const asked = async (): Promise<string> => (await server.exchange(get("/page-39.txt", CLOSE))).toString();
  await expect.poll(asked, { timeout: 5_000 }).toMatch(/\r\n\r\nnew$/);
});

test("a file that is truncated while it is sent ends its connection, and nothing else", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  const socket = server.connect();
  socket.write(get("/large.bin"));
  await readBytes(socket, 100_000);
  truncateSync(site.file("large.bin"), 50_000);
  const rest = await collect(socket);
  expect(rest.length).toBeLessThan(LARGE);
  expect(statuses(await server.exchange(get("/", CLOSE)))).toEqual([200]);
  expect(server.process.exitCode).toBeNull();
});

test("what lies outside of the root is never served", TIMEOUT, async () => {
  using outside = temporaryFolder("native-outside");
  writeFileSync(outside.file("secret.txt"), "secret");
  mkdirSync(site.file("real"));
  writeFileSync(site.file("real/page.txt"), "inside");
  symlinkSync(outside.file("secret.txt"), site.file("link.txt"));
  symlinkSync(outside.path, site.file("folder"));
  symlinkSync("real", site.file("alias"));
  symlinkSync("..", site.file("real/up"));
  await using server = await startNative(binary, site.path);
  for (const path of ["/link.txt", "/folder/secret.txt", "/real/up/real/page.txt"]) {
    expect(statuses(await server.exchange(get(path, CLOSE)))).toEqual([404]);
  }
  expect((await server.exchange(get("/alias/page.txt", CLOSE))).toString()).toMatch(/inside$/);
  // Swapped after it was indexed.
  rmSync(site.file("real/page.txt"));
  symlinkSync(outside.file("secret.txt"), site.file("real/page.txt"));
  expect((await server.exchange(get("/real/page.txt", CLOSE))).toString()).not.toContain("secret\n");
  expect(statuses(await server.exchange(get("/real/page.txt", CLOSE)))).toEqual([404]);
});

/** A filter for seccomp(2) that says ENOSYS to openat2: the instructions of BPF are u16, u8, u8, u32. */
function withoutOpenat2(): Buffer {
  const [load, jumpIfEqual, give] = [0x20, 0x15, 0x06];
  const instructions = [
    [load, 0, 0, 0],
    [jumpIfEqual, 0, 1, 437],
    [give, 0, 0, 0x50000 + 38],
    [give, 0, 0, 0x7fff0000],
  ] as const;
  return Buffer.concat(
    instructions.map(([code, yes, no, value]) => {
      const bytes = Buffer.from([code, 0, yes, no, 0, 0, 0, 0]);
      bytes.writeUInt32LE(value, 4);
      return bytes;
    }),
  );
}

test("without openat2 files are served, and links are not followed at all", TIMEOUT, async (context) => {
  const bwrap = peer(context, "bwrap");
  using outside = temporaryFolder("native-outside");
  writeFileSync(outside.file("secret.txt"), "secret");
  writeFileSync(outside.file("filter"), withoutOpenat2());
  mkdirSync(site.file("real/deep"), { recursive: true });
  writeFileSync(site.file("real/deep/page.txt"), "inside");
  symlinkSync(outside.path, site.file("folder"));
  symlinkSync("real", site.file("alias"));
  const wrapper = ["bash", "-c", `exec "$0" --die-with-parent --dev-bind / / --seccomp 9 "$@" 9<"$FILTER"`, bwrap];
  const env = { FILTER: outside.file("filter"), PATH: "/usr/bin:/bin" };
  await using server = await startNative(binary, site.path, { wrapper, env });
  await server.said("no openat2");
  expect((await server.exchange(get("/real/deep/page.txt", CLOSE))).toString()).toMatch(/\r\n\r\ninside$/);
  for (const path of ["/alias/deep/page.txt", "/folder/secret.txt"]) {
    expect(statuses(await server.exchange(get(path, CLOSE)))).toEqual([404]);
  }
  rmSync(site.file("real/deep"), { recursive: true });
  symlinkSync(outside.path, site.file("real/deep"));
  writeFileSync(outside.file("page.txt"), "outside");
  const asked = async (): Promise<string> => (await server.exchange(get("/real/deep/page.txt", CLOSE))).toString();
  await expect.poll(asked, { timeout: 5_000 }).toMatch(/^HTTP\/1\.1 404 /);
});

test("--watch: new content, and a root that is swapped", TIMEOUT, async () => {
  const live = site.file("live");
  mkdirSync(site.file("one"));
  mkdirSync(site.file("two"));
  writeFileSync(site.file("two/b.txt"), "two");
  symlinkSync("one", live);
  await using server = await startNative(binary, live, { flags: ["-watch"] });
  const body = async (path: string): Promise<string> =>
    (await server.exchange(get(path, CLOSE))).toString().split("\r\n\r\n")[1] ?? "";
  mkdirSync(site.file("one/sub"));
  writeFileSync(site.file("one/sub/a.txt"), "one");
  await expect.poll(() => body("/sub/a.txt"), { timeout: 10_000 }).toBe("one");
  symlinkSync("two", site.file("next"));
  renameSync(site.file("next"), live);
  await expect.poll(() => body("/b.txt"), { timeout: 10_000 }).toBe("two");
  expect(await body("/sub/a.txt")).not.toBe("one");
});

test("SIGHUP reads the folder again", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path);
  writeFileSync(site.file("new.txt"), "new");
  expect(statuses(await server.exchange(get("/new.txt", CLOSE)))).toEqual([404]);
  server.process.kill("SIGHUP");
  const asked = async (): Promise<number[]> => statuses(await server.exchange(get("/new.txt", CLOSE)));
  await expect.poll(asked, { timeout: 5_000 }).toEqual([200]);
});

test("SIGTERM: what is being sent is finished, idle connections are ended, new ones are refused", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path, { flags: ["-shutdown-timeout", "20"] });
  const busy = server.connect();
  busy.write(get("/large.bin"));
  await readBytes(busy, 1000);
  const idle = server.connect();
  idle.write(get("/"));
  await readBytes(idle, 10);
  server.process.kill("SIGTERM");
  const refused = async (): Promise<string> => {
    const socket = server.connect();
    const outcome = await new Promise<string>((resolve) => {
      socket.once("connect", () => resolve("connected")).once("error", ({ message }) => resolve(message));
    });
    socket.destroy();
    return outcome;
  };
  await expect.poll(refused, { timeout: 5_000 }).toContain("ECONNREFUSED");
  idle.write(get("/"));
  expect((await collect(idle)).toString()).toContain("Connection: close");
  const rest = await collect(busy);
  expect(rest.length).toBeGreaterThan(LARGE - 200_000);
  expect(await server.ended()).toEqual([0, null]);
});

test("the limit of SIGTERM holds", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path, { flags: ["-shutdown-timeout=1"] });
  const busy = server.connect();
  busy.on("error", () => {}).write(get("/large.bin"));
  await readBytes(busy, 1000);
  server.process.kill("SIGTERM");
  expect(await server.ended()).toEqual([0, null]);
  busy.destroy();
});

test("a worker that dies is replaced; metrics are those of all", TIMEOUT, async () => {
  await using server = await startNative(binary, site.path, { flags: ["-workers", "2"] });
  const children = (): number[] =>
    execFileSync("pgrep", ["-P", String(server.process.pid)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
  const first = children();
  expect(first.length).toBe(2);
  for (let i = 0; i < 20; i++) expect(statuses(await server.exchange(get("/", CLOSE)))).toEqual([200]);
  const metrics = (await server.exchange(get("/metrics", CLOSE))).toString();
  expect(metrics).toContain('statigo_requests_total{site="notset"} 20\n');
  process.kill(first[0] ?? 0, "SIGKILL");
  await server.said("died of signal 9");
  await expect.poll(() => children().length, { timeout: 5_000 }).toBe(2);
  expect(statuses(await server.exchange(get("/", CLOSE)))).toEqual([200]);
  server.process.kill("SIGTERM");
  expect(await server.ended()).toEqual([0, null]);
});
